import type { EngineDatabase } from "./database.ts";
import { completionSql } from "./guarded-completion.ts";

/** Which of a pool's jobs to give back: all of them unless said. */
export interface GiveBackChoice {
  /** Only these. */
  readonly only?: readonly string[] | undefined;
  /** All but these. */
  readonly except?: readonly string[] | undefined;
}

/**
 * Returns jobs that a pool holds: unlocked, their queues freed, the attempt that the claim counted given
 * back, other workers told. For a stop's bound, a claim without an answer, and a pool that is known to be
 * gone.
 *
 * @param pool - the holder's id, as in `locked_by`
 * @returns how many jobs were returned
 */
export async function giveBackJobs(
  { run, tables }: EngineDatabase,
  pool: string,
  { only, except }: GiveBackChoice = {},
): Promise<number> {
  const [row] = await run<{ count: string }>(
    "give_back",
    `with moved as (
  update ${tables.jobs} as jobs
  set attempts = greatest(0, jobs.attempts - 1), locked_at = null, locked_by = null, updated_at = now()
  where jobs.locked_by = $1::text
    and ($2::bigint[] is null or jobs.id = any($2::bigint[]))
    and ($3::bigint[] is null or jobs.id <> all($3::bigint[]))
  returning jobs.job_queue_id
), freed as (
  update ${tables.queues} as queues
  set locked_at = null, locked_by = null
  where queues.locked_by = $1::text
    and (($2::bigint[] is null and $3::bigint[] is null) or queues.id in (select job_queue_id from moved))
), counted as (
  select count(*) as count from moved
)
select count, case when count > 0
  then pg_notify('jobs:insert', json_build_object('r', random(), 'count', count)::text) end
from counted`,
    [pool, only ?? null, except ?? null],
  );
  return Number(row?.count ?? 0);
}

/** Deletes jobs that a pool finished but could not record as done, and frees their queues. */
export async function completeJobs(
  { run, tables }: EngineDatabase,
  pool: string,
  ids: readonly string[],
): Promise<void> {
  await run("complete", completionSql(tables, true), [ids, pool]);
}

/** A failure that the engine could not write. */
export interface LostFailure {
  readonly id: string;
  readonly message: string;
  readonly payload: unknown;
}

/** Writes failures that a pool could not, with the engine's own back-off. */
export async function failJobs(
  { run, tables }: EngineDatabase,
  pool: string,
  failures: readonly LostFailure[],
): Promise<void> {
  await run(
    "fail",
    `with moved as (
  update ${tables.jobs} as jobs
  set last_error = item.message,
    run_at = greatest(now(), jobs.run_at) + exp(least(jobs.attempts, 10)) * interval '1 second',
    payload = coalesce(item.payload::json, jobs.payload),
    locked_at = null,
    locked_by = null,
    updated_at = now()
  from unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) as item(id, pool, message, payload)
  where jobs.id = item.id and jobs.locked_by = item.pool
  returning jobs.job_queue_id, item.pool
)
update ${tables.queues} as queues
set locked_at = null, locked_by = null
from moved
where queues.id = moved.job_queue_id and queues.locked_by = moved.pool`,
    [
      failures.map(({ id }) => id),
      failures.map(() => pool),
      failures.map(({ message }) => message.replaceAll("\0", "\\0")),
      failures.map(({ payload }) => (payload === undefined ? null : JSON.stringify(payload))),
    ],
  );
}
