import {
  type Composition,
  checkConfig as checkInCore,
  type WorkerOptions,
} from "@oppulence/worker-core";
import { contributedCommands } from "../contributed-commands.ts";
import type { CommandDefinition } from "../definition.ts";
import { type PrepareInput, toWorkerOptions } from "../worker-options.ts";
import { checkCrontabs } from "./check-crontabs.ts";
import { composeOffline } from "./compose-offline.ts";
import { tasksInFolder } from "./tasks-in-folder.ts";

/** What is known of a config before it is deployed. */
export interface ConfigCheck {
  /** One sentence each. */
  readonly problems: readonly string[];
  /** Names of the plugins; empty when they cannot be put together. */
  readonly plugins: readonly string[];
  /** Identifiers of every task that a worker would run. */
  readonly tasks: readonly string[];
}

/** What {@link checkConfig} needs. */
export interface CheckInput extends PrepareInput {
  readonly cwd: string;
  /** Commands whose names plugins may not take. */
  readonly builtIn: readonly CommandDefinition[];
}

/**
 * Checks everything about a config that can be known without a database: what the core checks, and what
 * else would fail when a worker starts or a command is run.
 */
export async function checkConfig(options: WorkerOptions, input: CheckInput): Promise<ConfigCheck> {
  const problems = [...(await checkInCore(toWorkerOptions(options, input)))];
  if (options.pool !== undefined && options.connectionString !== undefined) {
    problems.push("got both pool and connectionString; give one of them");
  }
  const composition = tryCompose(options, input);
  const inCode = [...(composition?.tasks.keys() ?? []), ...Object.keys(options.taskList ?? {})];
  const inFolder = await tasksInFolder(options, input.cwd, new Set(inCode));
  const tasks = new Set([...inCode, ...inFolder.identifiers]);
  problems.push(...inFolder.problems);
  // Which tasks there are is known only when the plugins, which bring some, could be put together.
  const known = composition === undefined ? undefined : tasks;
  problems.push(...(await checkCrontabs(options, input.cwd, known)));
  if (composition !== undefined) {
    problems.push(...contributedCommands(composition, input.builtIn).problems);
  }
  const plugins = composition?.installed.map(({ plugin }) => plugin.name) ?? [];
  return { problems, plugins, tasks: [...tasks] };
}

/** What keeps a composition from being made is among the core's problems already. */
function tryCompose(options: WorkerOptions, input: PrepareInput): Composition | undefined {
  try {
    return composeOffline(options, input);
  } catch {
    return undefined;
  }
}
