import type { Query } from "../contract/query.ts";
import type { EngineTables } from "./database.ts";

/** A row as it left the queue. Column names are graphile-worker's. */
export interface TakenRow extends Record<string, unknown> {
  id: string;
  task_identifier: string;
  queue_name: string | null;
  payload: unknown;
  priority: number;
  run_at: Date;
  attempts: number;
  max_attempts: number;
  last_error: string | null;
  created_at: Date;
  updated_at: Date;
  key: string | null;
  revision: number;
  flags: Record<string, true> | null;
  locked_at: Date | null;
  locked_by: string | null;
}

/**
 * Deletes rows and frees their queue, in the caller's transaction, and returns them.
 *
 * A row deleted before the engine's own failure write would leave its named queue locked: that write finds
 * the queue through the row. So the queue is freed here, in the same statement.
 *
 * @param ids - the jobs
 * @param pool - the pool that must hold them; null takes only rows that nobody holds
 */
export function takeJobs(
  query: Query,
  tables: EngineTables,
  ids: readonly string[],
  pool: string | null,
): Promise<TakenRow[]> {
  return query<TakenRow>(
    `with gone as (
  delete from ${tables.jobs} as jobs
  where jobs.id = any($1::bigint[])
    and case when $2::text is null then jobs.locked_at is null else jobs.locked_by = $2::text end
  returning jobs.*
), freed as (
  update ${tables.queues} as queues
  set locked_at = null, locked_by = null
  from gone
  where queues.id = gone.job_queue_id and queues.locked_by = $2::text
), forgotten as (
  delete from ${tables.notes} as notes using gone where notes.job_id = gone.id
)
select gone.*, tasks.identifier as task_identifier, queues.queue_name
from gone
join ${tables.tasks} as tasks on tasks.id = gone.task_id
left join ${tables.queues} as queues on queues.id = gone.job_queue_id
order by gone.id`,
    [ids, pool],
  );
}
