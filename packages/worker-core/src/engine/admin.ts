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
  { run, tables }: EngineDatabase,
  ids: readonly string[],
  change: Reschedule,
): Promise<string[]> {
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
  if (rows.length > 0) {
    await run(
      "notify",
      `select pg_notify('jobs:insert', json_build_object('r', random(), 'count', $1::int)::text)`,
      [rows.length],
    );
  }
  return rows.map(({ id }) => id);
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
