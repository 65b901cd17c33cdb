import { Logger } from "graphile-worker";
import type pg from "pg";
import { onTestFinished } from "vitest";
import {
  type AnyPlugin,
  createWorker,
  type Job,
  type Worker,
  type WorkerOptions,
} from "../../src/index.ts";
import { type engineDatabase, migratedDatabase } from "./database.ts";

/** A log entry. */
export interface LogEntry {
  readonly level: string;
  readonly message: string;
}

/** A worker on a database of its own, both ended with the test. */
export interface TestWorker<P extends readonly AnyPlugin[]> {
  readonly worker: Worker<P>;
  readonly pool: pg.Pool;
  readonly logs: LogEntry[];
  /** Rows of graphile-worker's jobs, by id. */
  jobs(): Promise<Job[]>;
  sql<R extends Record<string, unknown> = Record<string, unknown>>(
    text: string,
    values?: unknown[],
  ): Promise<R[]>;
}

/** A logger that keeps what it is told. */
export function quietLogger(logs: LogEntry[] = []): Logger {
  return new Logger(() => (level, message) => void logs.push({ level, message }));
}

/**
 * Makes a worker; it is not started.
 *
 * @param on - a database that has all tables, unless given
 */
export async function testWorker<const P extends readonly AnyPlugin[] = readonly []>(
  options: Omit<WorkerOptions<P>, "connectionString">,
  on: ReturnType<typeof engineDatabase> = migratedDatabase(),
): Promise<TestWorker<P>> {
  const database = await on;
  const pool = database.pool();
  const logs: LogEntry[] = [];
  const worker = createWorker<P>({
    config: false,
    handleSignals: false,
    logger: quietLogger(logs),
    stopTimeout: "5s",
    ...options,
    connectionString: database.url,
  } as WorkerOptions<P>);
  onTestFinished(() => worker.stop());
  const sql = async <R extends Record<string, unknown>>(text: string, values?: unknown[]) =>
    (await pool.query<R>(text, values)).rows;
  return {
    worker,
    pool,
    logs,
    sql,
    jobs: () =>
      sql(
        "select jobs.*, tasks.identifier as task_identifier from graphile_worker._private_jobs as jobs join graphile_worker._private_tasks as tasks on tasks.id = jobs.task_id order by jobs.id",
      ) as unknown as Promise<Job[]>,
  };
}

/** Resolves once `check` holds; asks again every few milliseconds, as no event tells of other processes' writes. */
export async function until(
  check: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > deadline)
      throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
