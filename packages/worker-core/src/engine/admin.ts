import type { EngineDatabase } from "./database.ts";

/** Fields to change on waiting jobs. */
export interface Reschedule {
  readonly runAt?: Date;
  readonly priority?: number;
  readonly maxAttempts?: number;
  /** 0 gives every attempt back. */
  readonly attempts?: number;
}

/**
 * Changes waiting or failed jobs, by graphile-worker's own function; running jobs are left alone. Other
 * workers are told, so that a job that is due now starts now.
 *
 * @returns ids of the jobs that were changed
 */
export async function rescheduleJobs(
  database: EngineDatabase,
  ids: readonly string[],
  change: Reschedule,
): Promise<string[]> {
  const { run, tables } = database;
  const rows = await run<{ id: string }>(
    "reschedule",
    `select id from ${tables.schema}.reschedule_jobs($1::bigint[], run_at := $2::timestamptz, priority := $3::int, attempts := $4::int, max_attempts := $5::int)`,
    [
      ids,
      change.runAt?.toISOString() ?? null,
      change.priority ?? null,
      change.attempts ?? null,
      change.maxAttempts ?? null,
    ],
  );
  if (rows.length > 0) await wakeWorkers(database, rows.length);
  return rows.map(({ id }) => id);
}

/** Tells the workers of all processes that jobs are due, as an insert does. */
export async function wakeWorkers({ run }: EngineDatabase, count: number): Promise<void> {
  await run(
    "notify",
    `select pg_notify('jobs:insert', json_build_object('r', random(), 'count', $1::int)::text)`,
    [count],
  );
}

/**
 * Removes waiting or failed jobs, by graphile-worker's own function; running jobs are left alone.
 *
 * @returns ids of the jobs that were removed
 */
export async function removeJobs(
  { run, tables }: EngineDatabase,
  ids: readonly string[],
): Promise<string[]> {
  const rows = await run<{ id: string }>(
    "remove",
    `select id from ${tables.schema}.complete_jobs($1::bigint[])`,
    [ids],
  );
  return rows.map(({ id }) => id);
}
