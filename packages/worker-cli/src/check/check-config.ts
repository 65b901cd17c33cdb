import {
  type Client,
  isDatabaseUnreachableError,
  type PluginInstance,
  type WorkerOptions,
} from "@oppulence/worker-core";
import type { Logger } from "graphile-worker";
import { contributedCommands } from "../contributed-commands.ts";
import type { CommandDefinition } from "../definition.ts";
import { messageOf } from "../message-of.ts";
import type { PrepareInput } from "../worker-options.ts";
import { checkTasks } from "./check-tasks.ts";
import { composeOffline } from "./compose-offline.ts";
import { OFFLINE } from "./offline-pool.ts";

/** What is known of a config before it is deployed. */
export interface ConfigCheck {
  /** One sentence each. */
  readonly problems: readonly string[];
  readonly plugins: readonly string[];
  readonly tasks: readonly string[];
}

/** What {@link checkConfig} needs. */
export interface CheckInput extends PrepareInput {
  readonly logger: Logger;
  readonly cwd: string;
  readonly builtIn: readonly CommandDefinition[];
}

/** Checks everything about a config that can be known without a database. */
export async function checkConfig(options: WorkerOptions, input: CheckInput): Promise<ConfigCheck> {
  const { client, problems } = composeOffline(options, input);
  if (client === undefined) return { problems, plugins: [], tasks: [] };
  const { composition } = client;
  const { logger, cwd, builtIn } = input;
  const tasks = await checkTasks({ options, composition, logger, cwd });
  return {
    problems: [
      ...problems,
      ...tasks.problems,
      ...contributedCommands(composition, builtIn).problems,
      ...(await checkMigrationFiles(client)),
      ...(await askPlugins(composition.installed)),
    ],
    plugins: composition.installed.map(({ plugin }) => plugin.name),
    tasks: [...tasks.identifiers],
  };
}

/** The core reads every plugin's SQL files before it connects; here it cannot connect. */
async function checkMigrationFiles(client: Client): Promise<string[]> {
  try {
    await client.migrate("verify");
    return [];
  } catch (error) {
    return isDatabaseUnreachableError(error) && messageOf(error).includes(OFFLINE)
      ? []
      : [messageOf(error)];
  }
}

/**
 * A plugin may say what is wrong with it beyond its options: schedules that never come, a file that is not
 * there. It does so by a method `check` that returns one sentence a problem, without a database.
 */
interface SelfChecking {
  readonly check?: () => readonly string[] | Promise<readonly string[]>;
}

async function askPlugins(installed: Client["composition"]["installed"]): Promise<string[]> {
  const asked = installed.map(async ({ plugin, enabled, instance }) => {
    const { check } = instance as PluginInstance & SelfChecking;
    if (!enabled || typeof check !== "function") return [];
    try {
      const found = await check.call(instance);
      return found.map((problem) => `plugin ${plugin.name}: ${problem}`);
    } catch (error) {
      return [`plugin ${plugin.name}: its check failed: ${messageOf(error)}`];
    }
  });
  return (await Promise.all(asked)).flat();
}
