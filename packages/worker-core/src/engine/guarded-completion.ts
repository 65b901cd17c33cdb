import type { EngineTables } from "./database.ts";

/** A statement of the engine, as it hands it to `pg`. */
export interface EngineQuery {
  readonly name?: string;
  readonly text: string;
  readonly values: unknown[];
}

/**
 * The engine's completion, guarded by the claim's pool.
 *
 * The engine deletes finished jobs by id alone. A process that was paused for longer than others wait would
 * so delete, once it goes on, a job that another pool has claimed since and still runs.
 *
 * @param query - the engine's `complete_job`, `complete_jobs` or `complete_job_q` (jobs with a queue)
 * @param pool - whose claims
 */
export function guardCompletion(
  tables: EngineTables,
  { name = "", values }: EngineQuery,
  pool: string,
): EngineQuery {
  const queued = name.startsWith("complete_job_q");
  return {
    // Not the engine's own names: a pool of the user's may serve a bare graphile-worker as well.
    name: `${queued ? "complete_job_q" : "complete_jobs"}/ow/${tables.schema}`.slice(0, 63),
    text: completionSql(tables, queued),
    values: [([] as unknown[]).concat(values[0]), pool],
  };
}

/**
 * Deletes finished jobs (`$1`) that a pool (`$2`) holds.
 *
 * @param queued - frees their named queues as well
 */
export function completionSql({ jobs, queues }: EngineTables, queued: boolean): string {
  // Not a join: statistics from a moment when nothing was locked say that no row is the pool's, and the planner
  // would then compare each locked row with each id.
  const gone = `delete from ${jobs} as jobs
where jobs.id = any($1::bigint[]) and jobs.locked_by = $2::text`;
  if (!queued) return gone;
  return `with gone as (${gone} returning jobs.job_queue_id, jobs.locked_by)
update ${queues} as queues
set locked_by = null, locked_at = null
from gone
where queues.id = gone.job_queue_id and queues.locked_by = gone.locked_by`;
}
