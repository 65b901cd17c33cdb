import { EventEmitter } from "node:events";
import {
  type AddJob,
  type AnyPlugin,
  type Client,
  createClient,
  createWorker,
  type Duration,
  type JobExplanation,
  parseDuration,
  type Query,
  type Worker,
} from "@oppulence/worker-core";
import type { WorkerEvents } from "graphile-worker";
import type { Pool } from "pg";
import type { TestDatabase } from "../postgres/test-database.ts";
import { captureLogger, type LogEntry } from "./captured-logger.ts";
import { coreTemplate, defaultDatabases } from "./default-databases.ts";
import { drainJobs } from "./drain.ts";
import { createEnqueueSql, type EnqueueSql } from "./enqueue-sql.ts";
import { type JobEvent, recordHistory } from "./history.ts";
import { watchListening } from "./listening.ts";
import type { HarnessOptions } from "./options.ts";
import type { JobSelector } from "./selector.ts";
import { type WaitState, waitForJob } from "./wait-for.ts";

/** A bound for one call. */
export interface TimeoutOption {
  /** @defaultValue the harness's `timeout` */
  readonly timeout?: Duration;
}

/** A worker on a database of its own, with what tests need around it. */
export interface Harness<P extends readonly AnyPlugin[] = readonly AnyPlugin[]> {
  readonly worker: Worker<P>;
  /** A client with the same tasks and plugins, made when it is first asked for; a producer of its own. */
  readonly client: Client<P>;
  readonly database: TestDatabase;
  /** The pool that worker and client use. */
  readonly pool: Pool;
  /** Runs a statement on the pool and resolves to its rows. */
  readonly sql: Query;
  /** The worker's `addJob`. */
  readonly enqueue: AddJob;
  readonly enqueueSql: EnqueueSql;
  /** What the worker, its plugins and graphile-worker logged, oldest first; empty with a logger of yours. */
  readonly logs: readonly LogEntry[];
  /** What happened to jobs in the worker, oldest first. */
  readonly history: readonly JobEvent[];
  /** Calls back on every further event of {@link Harness.history}; returns how to stop that. */
  onChange(listener: () => void): () => void;
  /**
   * Waits until no job is ready or running. Jobs that are due later and jobs that failed for good may be left.
   *
   * @throws HarnessTimeoutError with what `explain` says of jobs that are left
   */
  drain(options?: TimeoutOption): Promise<void>;
  /**
   * Waits until a job is in a state; see {@link WaitState}.
   *
   * @returns what `explain` says of the job then
   * @throws HarnessTimeoutError with what `explain` says of it when the time is up
   */
  waitFor(
    selector: JobSelector,
    state: WaitState,
    options?: TimeoutOption,
  ): Promise<JobExplanation>;
  /** Stops worker and client, closes the pool and drops the database if it is the harness's own. */
  stop(): Promise<void>;
  /** {@link Harness.stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const DEFAULT_TIMEOUT = "10s";

/**
 * Makes a worker for a test and starts it. It logs to {@link Harness.logs}, and ignores the environment's
 * config overlay unless `config` is given.
 *
 * @throws what `createWorker` and `start` throw; the database is dropped again then
 *
 * @example
 * ```ts
 * await using harness = await createHarness({ tasks: [sendEmail], plugins: [myPlugin()] });
 * const added = await harness.enqueue(sendEmail, { to: "a@b.c" });
 * await harness.waitFor(added, "succeeded");
 * ```
 */
export async function createHarness<const P extends readonly AnyPlugin[] = readonly []>(
  options: HarnessOptions<P> = {},
): Promise<Harness<P>> {
  const database = options.database ?? (await freshDatabase(options));
  const dispose = options.database === undefined ? () => database.drop() : async () => {};
  let pool: Pool | undefined;
  try {
    pool = database.pool({ max: options.poolSize ?? 10 });
    const events = options.worker?.events ?? (new EventEmitter() as WorkerEvents);
    const harness = assemble(
      { ...options, worker: { ...options.worker, events } },
      database,
      pool,
      dispose,
    );
    if (options.start === false) return harness;
    const listening = watchListening(events);
    await harness.worker.start();
    await listening(harness.sql);
    return harness;
  } catch (error) {
    await pool?.end();
    await dispose();
    throw error;
  }
}

async function freshDatabase({ databases }: HarnessOptions): Promise<TestDatabase> {
  const source = databases ?? (await defaultDatabases());
  return source.createDatabase({ template: await coreTemplate(source) });
}

function assemble<P extends readonly AnyPlugin[]>(
  options: HarnessOptions<P>,
  database: TestDatabase,
  pool: Pool,
  dispose: () => Promise<void>,
): Harness<P> {
  const {
    database: _database,
    databases: _databases,
    start: _start,
    poolSize: _size,
    timeout = DEFAULT_TIMEOUT,
    ...rest
  } = options;
  const captured = captureLogger();
  const { crontab: _crontab, parsedCronItems: _items, ...shared } = rest;
  const common = { config: false as const, logger: captured.logger, pool };
  const worker = createWorker<P>({ ...common, ...rest, handleSignals: false });
  const history = recordHistory(worker.events);
  const sql: Query = async <R extends object>(text: string, values?: readonly unknown[]) =>
    (await pool.query<R>(text, values as unknown[])).rows;
  const engineSchema = options.worker?.schema ?? "graphile_worker";
  const bound = (given: Duration = timeout) => parseDuration(given, "timeout");
  let client: Client<P> | undefined;
  let stopped: Promise<void> | undefined;

  async function stop(): Promise<void> {
    try {
      await client?.stop();
      await worker.stop();
    } finally {
      if (!pool.ended) await pool.end();
      await dispose();
    }
  }

  return {
    worker,
    get client() {
      client ??= createClient<P>({ ...common, ...shared });
      return client;
    },
    database,
    pool,
    sql,
    enqueue: worker.addJob,
    enqueueSql: createEnqueueSql(sql, engineSchema),
    logs: captured.entries,
    history: history.events,
    onChange: history.onChange,
    drain: ({ timeout: given } = {}) =>
      drainJobs({ worker, query: sql, history, engineSchema, timeoutMs: bound(given) }),
    waitFor: (selector, state, { timeout: given } = {}) =>
      waitForJob(selector, state, { client: worker, history, timeoutMs: bound(given) }),
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
    [Symbol.asyncDispose]() {
      return this.stop();
    },
  };
}
