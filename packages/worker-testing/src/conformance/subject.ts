import {
  type AnyPlugin,
  type Composition,
  createClient,
  type Duration,
  type HookName,
  messageOf,
  parseDuration,
} from "@oppulence/worker-core";
import pg from "pg";
import { captureLogger } from "../harness/captured-logger.ts";
import { defaultDatabases } from "../harness/default-databases.ts";
import type { TestDatabases } from "../postgres/databases.ts";
import type { TestDatabase } from "../postgres/test-database.ts";
import type { ConformanceFixtures } from "./fixtures.ts";
import { createScript } from "./script.ts";
import { createTurns, type Turns } from "./turns.ts";

/** A plugin under test, and everything that its checks share. */
export interface Subject {
  /** Makes a fresh one. */
  readonly make: () => AnyPlugin;
  readonly fixtures: ConformanceFixtures;
  readonly name: string;
  /** For titles: the name, and the variant if there is one. */
  readonly title: string;
  /** Why it cannot be put together; undefined when it can. */
  readonly problem: string | undefined;
  /** One of the plugins that were made; undefined when it cannot be put together. */
  readonly plugin: AnyPlugin | undefined;
  /** Its hooks; none when it cannot be put together. */
  readonly hooks: Hooks;
  readonly timeoutMs: number;
  readonly leaseTimeoutMs: number;
  /** A database with the tables of graphile-worker, the core and the plugin. */
  readonly migratedDatabase: () => Promise<TestDatabase>;
  /** A database without any. */
  readonly emptyDatabase: () => Promise<TestDatabase>;
  /** Child processes start a few at a time: more would only wait for one another. */
  readonly children: Turns;
}

type Composed = Pick<Subject, "problem" | "plugin" | "hooks">;

/** The plugin's hooks by name; undefined for those that it does not have. */
type Hooks = {
  readonly [K in HookName]: Composition[K][number]["hook"] | undefined;
};

const NO_HOOKS: Hooks = {
  beforeEnqueue: undefined,
  beforeRun: undefined,
  afterRun: undefined,
  onFailure: undefined,
};
const DEFAULT_TIMEOUT: Duration = "10s";
const CHILDREN_AT_ONCE = 2;

/** Makes the subject of a suite. No database is touched yet. */
export function createSubject(make: () => AnyPlugin, fixtures: ConformanceFixtures): Subject {
  const composed = composeAlone(make, fixtures);
  const name = nameOf(make);
  const timeoutMs = parseDuration(fixtures.timeout ?? DEFAULT_TIMEOUT, "timeout");
  let databases: Promise<Pick<TestDatabases, "createDatabase" | "template">> | undefined;
  let template: Promise<string> | undefined;
  const source = () => {
    databases ??= Promise.resolve(fixtures.databases ?? defaultDatabases());
    return databases;
  };
  return {
    make,
    fixtures,
    name,
    title: fixtures.variant === undefined ? name : `${name} (${fixtures.variant})`,
    ...composed,
    timeoutMs,
    leaseTimeoutMs: parseDuration(fixtures.leaseTimeout ?? timeoutMs, "leaseTimeout"),
    migratedDatabase: async () => {
      const server = await source();
      template ??= migratedTemplate(server, make, fixtures);
      return server.createDatabase({ template: await template });
    },
    emptyDatabase: async () => (await source()).createDatabase(),
    children: createTurns(CHILDREN_AT_ONCE),
  };
}

function nameOf(make: () => AnyPlugin): string {
  try {
    return String(make().name);
  } catch {
    return "a plugin that cannot be made";
  }
}

function composeAlone(make: () => AnyPlugin, fixtures: ConformanceFixtures): Composed {
  try {
    const plugin = make();
    const { composition } = createClient({
      // Never connected: nothing but its `start` does that.
      pool: new pg.Pool(),
      plugins: [...(fixtures.with?.() ?? []), plugin],
      tasks: [...createScript(fixtures).tasks, ...(fixtures.tasks ?? [])],
      logger: captureLogger().logger,
      config: false,
    });
    return { problem: undefined, plugin, hooks: hooksOf(composition, plugin.name) };
  } catch (error) {
    return { problem: messageOf(error), plugin: undefined, hooks: NO_HOOKS };
  }
}

function hooksOf(composition: Composition, name: string): Hooks {
  const find = <K extends HookName>(hook: K) =>
    (composition[hook] as readonly { plugin: string; hook: unknown }[]).find(
      ({ plugin }) => plugin === name,
    )?.hook as Hooks[K];
  return {
    beforeEnqueue: find("beforeEnqueue"),
    beforeRun: find("beforeRun"),
    afterRun: find("afterRun"),
    onFailure: find("onFailure"),
  };
}

/** A template for the checks that are not about migrations. */
function migratedTemplate(
  server: Pick<TestDatabases, "template">,
  make: () => AnyPlugin,
  fixtures: ConformanceFixtures,
): Promise<string> {
  const prepare = async ({ pool }: Pick<TestDatabase, "pool">) => {
    const { logger } = captureLogger();
    const plugins = [...(fixtures.with?.() ?? []), make()];
    await createClient({ pool: pool(), plugins, logger, config: false }).migrate("auto");
  };
  // Not shared with another process, which may have been started before the migrations were edited.
  const key = `${process.pid} ${performance.now()}`;
  return server.template("conformance", prepare, { key });
}
