import { type Logger, runMigrations, WorkerPreset } from "graphile-worker";
import pg from "pg";
import { systemClock } from "./clock.ts";
import { type Composition, compose } from "./compose/compose.ts";
import type { AnyPlugin, PluginHost } from "./contract/plugin.ts";
import { type Query, type Row, toQuery } from "./contract/query.ts";
import type { AddJob, AddJobs, TaskInfo } from "./contract/task.ts";
import { parseDuration } from "./duration.ts";
import { engineTables, poolDatabase } from "./engine/database.ts";
import { createEngine, type Engine } from "./engine/engine.ts";
import { createNudger } from "./engine/nudger.ts";
import { watchPool } from "./engine/pool-watch.ts";
import { engineVersionProblem, installedEngineVersion } from "./engine/version.ts";
import { ConfigurationError, messageOf } from "./errors.ts";
import { createEvents, type Events } from "./events.ts";
import { checkHealth } from "./health.ts";
import { createMeter, type Meter } from "./meter.ts";
import { loadMigrations, type MigrationSet } from "./migrations/load.ts";
import { migrate, type MigrationReport } from "./migrations/migrate.ts";
import { DEFAULT_ENGINE_SCHEMA, DEFAULT_SCHEMA, escapeSchema } from "./migrations/schema-name.ts";
import { checkOverlayNames, overlayFor, overlayForWorker } from "./overlay/apply.ts";
import { loadOverlay } from "./overlay/load.ts";
import type { WorkerOptions } from "./options.ts";
import { createEnqueue } from "./pipeline/enqueue.ts";
import { createHookReport, type HookReport, within } from "./pipeline/hook.ts";
import { assertKnownKeys } from "./validate.ts";

const DEFAULT_STOP_MS = 25_000;
const SWEEP_EVERY_MS = 60_000;

/** The core's own migrations, under the plugin name `core`. */
const CORE_MIGRATIONS = { directory: new URL("../sql/", import.meta.url) };

/** What a worker, a client and a preset have in common: everything but running jobs. */
export interface Runtime {
  readonly mode: PluginHost["mode"];
  readonly composition: Composition;
  readonly pool: pg.Pool;
  readonly engine: Engine;
  readonly events: Events;
  readonly meter: Meter;
  readonly logger: Logger;
  readonly report: HookReport;
  readonly query: Query;
  readonly addJob: AddJob;
  readonly addJobs: AddJobs;
  readonly apis: Readonly<Record<string, unknown>>;
  /** graphile-worker's options with the overlay applied. */
  readonly worker: GraphileConfig.WorkerOptions;
  readonly stopMs: number;
  /** Aborted once nothing waits for the database any more. */
  readonly signal: AbortSignal;
  /** Tells the pool of deferred jobs that come due; set by whoever runs jobs. */
  nudge: (count: number) => void;
  /** Jobs that run now; set by whoever runs jobs. */
  running: () => number;
  /** Told when a connection broke while it was in use. */
  onBrokenConnection: (error: Error) => void;
  /** Whether the last `start` succeeded and no `stop` followed. */
  readonly started: boolean;
  /** Migrates, then starts the plugins in order. Safe to call again. */
  start(): Promise<void>;
  /** Stops the plugins in reverse order and ends the pool, within what is left of the bound. */
  stop(deadline: number): Promise<void>;
  /** Applies or checks migrations, as `start` does. */
  migrate(mode?: WorkerOptions["migrations"], onProgress?: Parameters<typeof migrate>[0]["onProgress"]): Promise<MigrationReport>;
  /** Every migration of the core and the plugins. */
  migrationSets(): Promise<MigrationSet[]>;
}

/**
 * Puts a runtime together. Nothing is connected: that waits for `start`.
 *
 * @throws ConfigurationError with every problem found in plugins, tasks and options
 * @throws InvalidOptionsError, InvalidOverlayError for the options and the overlay
 */
export function createRuntime(options: WorkerOptions, mode: PluginHost["mode"], keys: readonly string[], where: string): Runtime {
  assertKnownKeys(options, keys, where);
  const problem = engineVersionProblem(installedEngineVersion());
  if (problem !== undefined) throw new ConfigurationError([problem]);

  const logger = options.logger ?? (WorkerPreset.worker?.logger as Logger);
  const clock = options.clock ?? systemClock;
  const overlay = options.config === false ? undefined : loadOverlay(options.config ?? {});
  const worker = overlay === undefined ? (options.worker ?? {}) : overlayForWorker(overlay, options.worker ?? {});
  const schema = options.schema ?? DEFAULT_SCHEMA;
  const engineSchema = worker.schema ?? process.env.GRAPHILE_WORKER_SCHEMA ?? DEFAULT_ENGINE_SCHEMA;
  const plugins: readonly AnyPlugin[] = options.plugins ?? [];
  if (overlay !== undefined) checkOverlayNames(overlay, plugins.map(({ name }) => name));

  const { pool, owned } = makePool(options, worker);
  const query: Query = async <R extends Row>(text: string, values?: readonly unknown[]) =>
    (await pool.query<R>(text, values as unknown[])).rows;
  const events = createEvents((name, error) => logger.error(`a listener of ${name} threw: ${messageOf(error)}`, { error }));
  const meter = createMeter(plugins.find(({ meter }) => meter !== undefined)?.meter);
  const report = createHookReport(meter, events, (plugin, hook, error) =>
    logger.error(`plugin ${plugin}, ${hook} failed: ${messageOf(error)}`, { error }),
  );
  const abort = new AbortController();
  const nudger = createNudger(systemClock, (count) => runtime.nudge(count));
  const engine = createEngine({
    database: poolDatabase(pool, engineTables(engineSchema, schema), worker.preparedStatements !== false),
    failJobBatchDelayMs: worker.failJobBatchDelay ?? 0,
    onMoved: ({ dueInMs }) => nudger.expect(dueInMs),
    signal: abort.signal,
  });

  const plainTasks = new Set(Object.keys(options.taskList ?? {}));
  const apis: Record<string, unknown> = Object.create(null);
  let enqueue: ReturnType<typeof createEnqueue> | undefined;
  let starting: Promise<void> | undefined;
  let started = false;
  const ready = <T>(body: () => Promise<T>): Promise<T> => (started ? body() : runtime.start().then(body));
  const direct = () => {
    if (enqueue === undefined) throw new Error("a plugin's setup adds no jobs: that waits for its start");
    return enqueue;
  };
  const addJob = ((...args: Parameters<AddJob>) => ready(() => direct().addJob(...args))) as AddJob;
  const addJobs = ((...args: Parameters<AddJobs>) => ready(() => direct().addJobs(...args))) as AddJobs;

  const host = (_plugin: AnyPlugin, pluginOptions: unknown, tasks: ReadonlyMap<string, TaskInfo>): PluginHost => ({
    options: pluginOptions,
    mode,
    clock,
    logger: logger.scope({ label: `plugin ${_plugin.name}` }),
    meter,
    events,
    pool,
    query,
    transaction: (body) => inTransaction(pool, body),
    schema: escapeSchema(schema),
    engine,
    tasks,
    // Not those of the runtime: they wait for its start, and a plugin may add jobs while it starts.
    addJob: ((...args) => direct().addJob(...args)) as AddJob,
    addJobs: ((...args) => direct().addJobs(...args)) as AddJobs,
    activity: () => ({ running: runtime.running(), concurrency: worker.concurrentJobs ?? 1 }),
    health: () => checkHealth(runtime),
    plugin: (name) => apis[name] as never,
  });
  const composition = compose({
    plugins,
    tasks: options.tasks ?? [],
    overlay: (plugin) => (overlay === undefined ? { enabled: true, options: plugin.options } : overlayFor(overlay, plugin.name, plugin.options)),
    host,
    logger,
  });
  const clash = [...plainTasks].filter((name) => composition.tasks.has(name));
  if (clash.length > 0) {
    throw new ConfigurationError(clash.map((name) => `task ${JSON.stringify(name)} is defined twice: in tasks and in taskList`));
  }
  for (const { plugin, instance } of composition.installed) apis[plugin.name] = instance.api;
  enqueue = createEnqueue({ composition, pool, engine, events, report, plainTasks });
  const sweep = sweeper(engine, logger, mode);
  const active = composition.installed.filter(({ enabled }) => enabled);
  const stopPlugins: { name: string; stop: () => void | Promise<void> }[] = [];

  async function migrationSets(): Promise<MigrationSet[]> {
    const shipping = composition.installed.filter(({ plugin }) => plugin.migrations !== undefined);
    return Promise.all([
      loadMigrations("core", CORE_MIGRATIONS),
      ...shipping.map(({ plugin }) => loadMigrations(plugin.name, plugin.migrations as NonNullable<AnyPlugin["migrations"]>)),
    ]);
  }

  async function migrateAll(
    migrations: WorkerOptions["migrations"] = options.migrations ?? "auto",
    onProgress?: Parameters<typeof migrate>[0]["onProgress"],
  ): Promise<MigrationReport> {
    const sets = await migrationSets();
    // Ours first: it says who is missing which right, in one sentence.
    const reported = await migrate({ pool, schema, engineSchema, sets, mode: migrations, logger, ...(onProgress && { onProgress }) });
    if (migrations === "auto") await runMigrations({ pgPool: pool, schema: engineSchema, logger });
    return reported;
  }

  async function startAll(): Promise<void> {
    unwatch ??= watchPool(pool, (error) => runtime.onBrokenConnection(error));
    await migrateAll();
    try {
      for (const { plugin, instance } of active) {
        await instance.start?.();
        if (instance.stop !== undefined) stopPlugins.push({ name: plugin.name, stop: instance.stop });
      }
    } catch (error) {
      await stopStarted(Date.now() + stopMs);
      throw error;
    }
    sweep.start();
    started = true;
  }

  async function stopStarted(deadline: number): Promise<void> {
    for (let plugin = stopPlugins.pop(); plugin !== undefined; plugin = stopPlugins.pop()) {
      const { name, stop } = plugin;
      try {
        await within(Promise.resolve(stop()), Math.max(100, deadline - Date.now()), name, "stop");
      } catch (error) {
        logger.error(`plugin ${name} did not stop: ${messageOf(error)}`, { error });
      }
    }
  }

  let unwatch: (() => void) | undefined;
  const stopMs = options.stopTimeout === undefined ? DEFAULT_STOP_MS : parseDuration(options.stopTimeout, "stopTimeout");
  const runtime: Runtime = {
    mode,
    composition,
    pool,
    engine,
    events,
    meter,
    logger,
    report,
    query,
    addJob,
    addJobs,
    apis,
    worker,
    stopMs,
    signal: abort.signal,
    nudge: () => {},
    running: () => 0,
    onBrokenConnection: () => {},
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
      await sweep.stop();
      nudger.stop();
      await starting?.catch(() => {});
      await stopStarted(deadline);
      abort.abort();
      if (owned && !pool.ended) await pool.end();
      unwatch?.();
    },
    migrate: migrateAll,
    migrationSets,
  };
  return runtime;
}

function makePool(options: WorkerOptions, worker: GraphileConfig.WorkerOptions): { pool: pg.Pool; owned: boolean } {
  if (options.pool !== undefined) {
    if (options.connectionString !== undefined) {
      throw new ConfigurationError(["got both pool and connectionString; give one of them"]);
    }
    return { pool: options.pool, owned: false };
  }
  const connectionString = options.connectionString ?? worker.connectionString ?? process.env.DATABASE_URL;
  if (connectionString === undefined && process.env.PGDATABASE === undefined) {
    throw new ConfigurationError([
      "no database: give connectionString or pool, or set DATABASE_URL (or PGDATABASE and its kin) in the environment",
    ]);
  }
  const pool = new pg.Pool({
    ...(connectionString === undefined ? {} : { connectionString }),
    max: worker.maxPoolSize ?? 10,
  });
  return { pool, owned: true };
}

async function inTransaction<T>(pool: pg.Pool, body: (query: Query) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("begin");
    const result = await body(toQuery(client));
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** Deletes notes of jobs that are gone, a page a minute along the key; idle when there is nothing to do. */
function sweeper(engine: Engine, logger: Logger, mode: PluginHost["mode"]): { start(): void; stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let after = "0";
  let sweeping: Promise<void> | undefined;
  async function sweep(): Promise<void> {
    try {
      after = await engine.sweepNotes(after);
    } catch (error) {
      logger.warn(`could not sweep notes, trying again in a minute: ${messageOf(error)}`, { error });
    }
  }
  return {
    start() {
      if (mode !== "worker" || timer !== undefined) return;
      timer = setInterval(() => {
        sweeping ??= sweep().finally(() => {
          sweeping = undefined;
        });
      }, SWEEP_EVERY_MS).unref();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await sweeping;
    },
  };
}

