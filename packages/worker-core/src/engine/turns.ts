import type { Job } from "graphile-worker";
import type { Query } from "../contract/query.ts";
import type { EngineTables } from "./database.ts";

/** A waiting job's turn: when it is due from now on. */
export interface JobTurn {
  readonly id: string;
  /** From now, by the database's clock; 0 for now. */
  readonly inMs: number;
}

/** Where a page of ready jobs ended: the key of the order in which the engine fetches. */
export interface ReadyCursor {
  readonly priority: number;
  readonly runAt: string;
  readonly id: string;
}

/** A page of ready jobs, locked until the end of the transaction. */
export interface ReadyPage {
  readonly jobs: readonly Job[];
  /** Where the next page begins; undefined when this one was the last. */
  readonly next: ReadyCursor | undefined;
}

/** Which ready jobs to read. */
export interface ReadyChoice {
  /** Task identifiers. */
  readonly tasks: readonly string[];
  /** Only jobs that would be fetched after this one. */
  readonly after?: ReadyCursor | undefined;
  readonly limit: number;
}

/**
 * Reads jobs that are due, in the order in which they would be fetched, and locks their rows: a fetch passes over
 * them, so that they can be moved together with what a plugin writes of them.
 *
 * @param query - of the transaction in which they are moved
 */
export async function readyJobs(
  query: Query,
  tables: EngineTables,
  { tasks, after, limit }: ReadyChoice,
): Promise<ReadyPage> {
  const rows = await query<Job & { readonly run_at_text: string }>(
    `select jobs.*, tasks.identifier as task_identifier, jobs.run_at::text as run_at_text
from ${tables.jobs} as jobs
join ${tables.tasks} as tasks on tasks.id = jobs.task_id
where jobs.is_available and jobs.run_at <= now()
  and jobs.task_id = any(array(select id from ${tables.tasks} where identifier = any($1::text[])))
  and ($2::int is null or (jobs.priority, jobs.run_at, jobs.id) > ($2::int, $3::timestamptz, $4::bigint))
order by jobs.priority, jobs.run_at, jobs.id
limit $5
for update of jobs skip locked`,
    [tasks, after?.priority ?? null, after?.runAt ?? null, after?.id ?? null, limit],
  );
  const last = rows.length < limit ? undefined : rows.at(-1);
  return {
    jobs: rows.map(({ run_at_text: _, ...job }) => job as unknown as Job),
    next: last && { priority: last.priority, runAt: last.run_at_text, id: last.id },
  };
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
