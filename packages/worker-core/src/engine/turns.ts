import type { Job } from "graphile-worker";
import type { Query } from "../contract/query.ts";
import type { EngineTables } from "./database.ts";

/** A waiting job's turn: when it is due from now on. */
export interface JobTurn {
  readonly id: string;
  /** From now, by the database's clock; 0 for now. */
  readonly inMs: number;
}

/** Which ready jobs to read. */
export interface ReadyChoice {
  /** Task identifiers. */
  readonly tasks: readonly string[];
  /** Ids of jobs that were read before and are left where they are. */
  readonly except?: readonly string[] | undefined;
  readonly limit: number;
}

/**
 * Reads jobs that are due, in the order in which they would be fetched, and locks their rows: a fetch passes over
 * them, so that they can be moved together with what a plugin writes of them.
 *
 * Jobs with the same `run_at` come in the order of the engine's index, as they are fetched: to sort them would read
 * all of a crowd that was added at once, page by page.
 *
 * @param query - of the transaction in which they are moved
 */
export async function readyJobs(
  query: Query,
  tables: EngineTables,
  { tasks, except = [], limit }: ReadyChoice,
): Promise<Job[]> {
  const rows = await query(
    `select jobs.*, tasks.identifier as task_identifier
from ${tables.jobs} as jobs
join ${tables.tasks} as tasks on tasks.id = jobs.task_id
where jobs.is_available and jobs.run_at <= now()
  and jobs.task_id = any(array(select id from ${tables.tasks} where identifier = any($1::text[])))
  and jobs.id <> all($2::bigint[])
order by jobs.priority, jobs.run_at
limit $3
for update of jobs skip locked`,
    [tasks, except, limit],
  );
  return rows as unknown as Job[];
}

/**
 * Gives waiting jobs another turn, each its own, without a note; running jobs and jobs that failed for good are left
 * alone. Workers of other processes are told when jobs are due now.
 *
 * @returns ids of the jobs that were moved
 */
export async function moveTurns(
  query: Query,
  tables: EngineTables,
  turns: readonly JobTurn[],
): Promise<string[]> {
  const rows = await query<{ id: string; woken: null }>(
    `with item as (
  select * from unnest($1::bigint[], $2::float8[]) as item(id, in_ms)
), moved as (
  update ${tables.jobs} as jobs
  set run_at = now() + item.in_ms * interval '1 millisecond', updated_at = now()
  from item
  where jobs.id = item.id and jobs.is_available
  returning jobs.id, item.in_ms
), due as (
  select count(*) as count from moved where in_ms <= 0
)
select moved.id, case when moved.id = (select min(id) from moved) and due.count > 0
  then pg_notify('jobs:insert', json_build_object('r', random(), 'count', due.count)::text) end as woken
from moved, due`,
    [turns.map(({ id }) => id), turns.map(({ inMs }) => Math.max(0, inMs))],
  );
  return rows.map(({ id }) => id);
}
