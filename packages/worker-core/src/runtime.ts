import { type Logger, WorkerPreset } from "graphile-worker";
import type pg from "pg";
import { systemClock } from "./clock.ts";
import { type ComposeInput, type Composition, compose } from "./compose/compose.ts";
import type { RunInput } from "./contract/hooks.ts";
import type { AnyPlugin, PluginHost } from "./contract/plugin.ts";
import type { Query } from "./contract/query.ts";
import type { AddJob, AddJobs, RunTransaction, TaskInfo } from "./contract/task.ts";
import { parseDuration } from "./duration.ts";
import { type EngineTables, engineTables, poolDatabase } from "./engine/database.ts";
import { createEngine, type Engine } from "./engine/engine.ts";
import { createNudger } from "./engine/nudger.ts";
import { guardPool } from "./engine/pool-guard.ts";
import { assertEngineVersion, installedEngineVersion } from "./engine/version.ts";
import { messageOf } from "./errors.ts";
import { createEvents, type Events } from "./events.ts";
import { checkHealth } from "./health.ts";
import { createMeter, type Meter, type MeterBackend } from "./meter.ts";
import { type MigrateAllInput, migrateAll } from "./migrate-all.ts";
import type { MigrateOptions, MigrationMode, MigrationReport } from "./migrations/migrate.ts";
import { DEFAULT_ENGINE_SCHEMA, DEFAULT_SCHEMA, escapeSchema } from "./migrations/schema-name.ts";
import { createNoteSweeper } from "./note-sweeper.ts";
import { assertEngineOptions, type WorkerOptions } from "./options.ts";
import { readOverlay, resolveOverlay, withoutOverlay } from "./overlay/lay-over.ts";
import { OptionsFollower } from "./overlay/options-follower.ts";
import { createEnqueue, type Enqueue } from "./pipeline/enqueue.ts";
import { createHookReport, type HookReport } from "./pipeline/hook.ts";
import { loadTaskDirectory, type PlainTasks, plainInfo, plainTasks } from "./plain-tasks.ts";
import { createPluginLifecycle } from "./plugin-lifecycle.ts";
import { assertOneDatabase, inTransaction, makePool, unconnectedPool } from "./pool.ts";
import { Problems } from "./problems.ts";
import { assertKnownKeys } from "./validate.ts";
import { withinMs } from "./within-ms.ts";

const DEFAULT_STOP_MS = 25_000;
/** A pool of ours gets at least this long to end; a query that hangs holds nobody up. */
const LEAST_END_MS = 1_000;

/** What whoever runs jobs tells a runtime, and is told by it. */
interface JobRunner {
  /** Deferred jobs may have come due. */
  nudge(count: number): void;
  /** Number of jobs that run now. */
  running(): number;
  /** Number of jobs that may run at once. */
  concurrency(): number;
  /** Runs that hooks apply to. */
  runs(): Iterable<RunInput>;
  /** Gives the engine's pool up and starts another. */
  restart(cause: Error): void;
}

const NO_RUNNER: JobRunner = {
  nudge() {},
  running: () => 0,
  concurrency: () => 1,
  runs: () => [],
  restart() {},
};

/** What a worker, a client and a preset have in common: everything but running jobs. */
export interface Runtime {
  readonly composition: Composition;
  /** Those of a task directory are there once started. */
  readonly plainTasks: PlainTasks;
  readonly pool: pg.Pool;
  readonly engine: Engine;
  readonly tables: EngineTables;
  readonly events: Events;
  readonly meter: Meter;
  readonly logger: Logger;
  readonly report: HookReport;
  readonly query: Query;
  readonly transaction: RunTransaction;
  readonly addJob: AddJob;
  readonly addJobs: AddJobs;
  readonly apis: Readonly<Record<string, unknown>>;
  /** graphile-worker's options with the overlay applied. */
  readonly worker: GraphileConfig.WorkerOptions;
  readonly stopMs: number;
  /** Aborted once nothing waits for the database any more. */
  readonly signal: AbortSignal;
  /** Set by whoever runs jobs. */
  runner: JobRunner;
  /** Tells the plugins that a pool of the engine was made, and is about to claim. */
  poolStarting(pool: string): Promise<void>;
  /** Tells the plugins that a pool has ended and holds nothing any more. */
  poolEnded(pool: string): Promise<void>;
  /** Whether the last `start` succeeded and no `stop` followed. */
  readonly started: boolean;
  /** Migrates, then starts the plugins in order. Safe to call again. */
  start(): Promise<void>;
  /** Stops the plugins in reverse order until the deadline (ms since the epoch), and ends a pool of ours. */
  stop(deadline: number): Promise<void>;
  /** Applies or checks migrations, as `start` does. */
  migrate(
    mode?: MigrationMode,
    onProgress?: MigrateOptions["onProgress"],
  ): Promise<MigrationReport>;
}

/**
 * Puts a runtime together. Nothing is connected: that waits for `start`.
 *
 * @param keys - the options that exist, for the check for misspelt ones
 * @param where - who takes them, at the start of messages
 * @throws ConfigurationError with every problem found in plugins, tasks and options
 * @throws InvalidOptionsError, InvalidOverlayError for the options and the overlay
 */
export function createRuntime(
  options: WorkerOptions,
  mode: PluginHost["mode"],
  keys: readonly string[],
  where: string,
): Runtime {
  const problems = new Problems();
  problems.attempt(() => assertKnownKeys(options, keys, where));
  problems.attempt(() => assertOneDatabase(options));
  problems.attempt(() => assertEngineVersion(installedEngineVersion()));
  const laid = problems.attempt(() => readOverlay(options)) ?? withoutOverlay(options);
  const { worker: ownWorker, forPlugin } = laid;
  const worker = { ...workerDefaults(options.plugins ?? [], forPlugin), ...ownWorker };
  problems.attempt(() => assertEngineOptions(worker));
  // Where a name cannot be used, the problem is thrown below; until then any will do.
  const schema = problems.attempt(() => checkSchema(options.schema)) ?? DEFAULT_SCHEMA;
  const engineSchema =
    problems.attempt(() => checkEngineSchema(worker.schema)) ?? DEFAULT_ENGINE_SCHEMA;
  const escapedSchema = escapeSchema(schema);
  const logger = options.logger ?? (WorkerPreset.worker?.logger as Logger);
  const clock = options.clock ?? systemClock;
  const plugins: readonly AnyPlugin[] = options.plugins ?? [];
  const stopMs =
    problems.attempt(() => parseDuration(options.stopTimeout ?? DEFAULT_STOP_MS, "stopTimeout")) ??
    DEFAULT_STOP_MS;
  const { pool, owned } =
    (mode === "offline" ? undefined : problems.attempt(() => makePool(options, worker))) ??
    unconnectedPool();
  const query: Query = async <R extends object>(text: string, values?: readonly unknown[]) =>
    (await pool.query<R>(text, values as unknown[])).rows;

  const transaction: RunTransaction = (body) => inTransaction(pool, body);
  const events = createEvents((name, error) =>
    logger.error(`a listener of ${name} threw: ${messageOf(error)}`, { error }),
  );
  const meter = createMeter(enabledMeter(plugins, forPlugin));
  const report = createHookReport(meter, events, (plugin, hook, error) =>
    logger.error(`plugin ${plugin}, ${hook} failed: ${messageOf(error)}`, { error }),
  );
  const abort = new AbortController();
  const nudger = createNudger(systemClock, (count) => runtime.runner.nudge(count));
  const tables = engineTables(engineSchema, schema);
  const engine = createEngine({
    database: poolDatabase(pool, tables, worker.preparedStatements !== false),
    failJobBatchDelayMs: worker.failJobBatchDelay ?? 0,
    onDue: (dueInMs) => nudger.expect(dueInMs),
    onQueuesFreed: (count) => runtime.runner.nudge(count),
    signal: abort.signal,
  });

  const follower = new OptionsFollower({
    overlay: laid.overlay,
    resolve: (overlay) => resolveOverlay(overlay, options),
    logger,
  });
  const apis: Record<string, unknown> = Object.create(null);
  let enqueue: Enqueue | undefined;
  // Not those of the runtime: they wait for its start, and a plugin may add jobs while it starts.
  const direct = () => {
    if (enqueue === undefined)
      throw new Error("a plugin's setup adds no jobs: that waits for its start");
    return enqueue;
  };
  const infos = new Map<string, TaskInfo>();
  const host = (plugin: AnyPlugin, pluginOptions: unknown): PluginHost => ({
    options: pluginOptions,
    mode,
    clock,
    logger: logger.scope({ label: `plugin ${plugin.name}` }),
    meter,
    events,
    pool,
    query,
    transaction,
    schema: escapedSchema,
    engine,
    tasks: infos,
    addJob: ((...args) => direct().addJob(...args)) as AddJob,
    addJobs: ((...args) => direct().addJobs(...args)) as AddJobs,
    activity: () => ({
      running: runtime.runner.running(),
      concurrency: runtime.runner.concurrency(),
    }),
    running: () => runtime.runner.runs(),
    restart: (cause) => runtime.runner.restart(cause),
    onOptions(listener) {
      const { enabled, options: raw } = forPlugin(plugin);
      return follower.listen(plugin, listener, { enabled, raw, options: pluginOptions });
    },
    health: () => checkHealth(runtime),
    plugin: (name) => apis[name] as never,
  });

  const composition =
    problems.attempt(() =>
      compose({ plugins, tasks: options.tasks ?? [], overlay: forPlugin, host }),
    ) ?? EMPTY;
  const plain =
    problems.attempt(() => plainTasks(options.taskList, composition.tasks)) ?? new Map();
  problems.throwIfAny();
  const unguard = guardPool(pool);
  collectInfos(infos, composition, plain);
  for (const { plugin, instance } of composition.installed) apis[plugin.name] = instance.api;
  enqueue = createEnqueue({ composition, pool, engine, events, report, plainTasks: plain });

  const lifecycle = createPluginLifecycle(composition.installed, logger);
  const sweeper = createNoteSweeper(engine, logger);
  const migrating: MigrateAllInput = { composition, pool, schema, engineSchema, logger };
  let starting: Promise<void> | undefined;
  let started = false;
  let stopped = false;
  const ready = <T>(body: () => Promise<T>): Promise<T> => {
    if (started) return body();
    if (!stopped) return runtime.start().then(body);
    return Promise.reject(new Error(`the ${mode} was stopped; make a new one to add jobs`));
  };

  async function startAll(): Promise<void> {
    await loadTaskDirectory(plain, composition.tasks, worker, logger);
    collectInfos(infos, composition, plain);
    await runtime.migrate();
    await lifecycle.start();
    if (mode === "worker") {
      sweeper.start();
      follower.start();
    }
    started = true;
  }

  const runtime: Runtime = {
    composition,
    plainTasks: plain,
    pool,
    engine,
    tables,
    events,
    meter,
    logger,
    report,
    query,
    transaction,
    addJob: ((...args) => ready(() => direct().addJob(...args))) as AddJob,
    addJobs: ((...args) => ready(() => direct().addJobs(...args))) as AddJobs,
    apis,
    worker,
    stopMs,
    signal: abort.signal,
    runner: NO_RUNNER,
    poolStarting: lifecycle.poolStarting,
    poolEnded: lifecycle.poolEnded,
    get started() {
      return started;
    },
    start() {
      starting ??= startAll().catch((error: unknown) => {
        starting = undefined;
        throw error;
      });
      return starting;
    },
    async stop(deadline) {
      started = false;
      stopped = true;
      nudger.stop();
      await starting?.catch(() => {});
      await withinMs(follower.stop(), deadline - Date.now());
      await sweeper.stop();
      await lifecycle.stop(deadline);
      abort.abort();
      if (owned && !pool.ended)
        await withinMs(pool.end(), Math.max(LEAST_END_MS, deadline - Date.now()));
      unguard();
    },
    migrate: (migrations = options.migrations ?? "auto", onProgress) =>
      migrateAll(migrating, migrations, onProgress),
  };
  return runtime;
}

/** @throws InvalidOptionsError for a name that cannot be used */
function checkSchema(schema = DEFAULT_SCHEMA): string {
  escapeSchema(schema);
  return schema;
}

/** @throws InvalidOptionsError for a name that cannot be used */
function checkEngineSchema(
  schema = process.env.GRAPHILE_WORKER_SCHEMA ?? DEFAULT_ENGINE_SCHEMA,
): string {
  escapeSchema(schema, "worker.schema");
  return schema;
}

/** What `compose` would have made, had it not failed: the problems are thrown before anybody uses it. */
const EMPTY: Composition = {
  installed: [],
  tasks: new Map(),
  beforeEnqueue: [],
  beforeRun: [],
  afterRun: [],
  onFailure: [],
};

/** Every task as plugins see it. */
function collectInfos(
  infos: Map<string, TaskInfo>,
  { tasks }: Composition,
  plain: PlainTasks,
): void {
  for (const [identifier, { options, payload, spec }] of tasks)
    infos.set(identifier, { identifier, options, payload, spec });
  for (const identifier of plain.keys()) infos.set(identifier, plainInfo(identifier));
}

/** The meter that a plugin brings; none when the overlay has switched that plugin off. */
function enabledMeter(
  plugins: readonly AnyPlugin[],
  forPlugin: ComposeInput["overlay"],
): MeterBackend | undefined {
  const plugin = plugins.find((candidate) => candidate?.meter !== undefined);
  return plugin && isEnabled(plugin, forPlugin) ? plugin.meter : undefined;
}

/** graphile-worker's options that plugins turn on. */
function workerDefaults(
  plugins: readonly AnyPlugin[],
  forPlugin: ComposeInput["overlay"],
): GraphileConfig.WorkerOptions {
  const bringing = plugins.filter(
    (plugin) => plugin?.worker !== undefined && isEnabled(plugin, forPlugin),
  );
  return Object.assign({}, ...bringing.map((plugin) => plugin.worker));
}

/** What is wrong with a plugin's options is found, and told, when it is set up. */
function isEnabled(plugin: AnyPlugin, forPlugin: ComposeInput["overlay"]): boolean {
  return new Problems().attempt(() => forPlugin(plugin))?.enabled !== false;
}
