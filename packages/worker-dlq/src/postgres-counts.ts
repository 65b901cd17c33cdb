import type { Query } from "@oppulence/worker-core";
import type { DlqFilter } from "./filter.ts";
import { conditionsOf } from "./postgres-filter.ts";
import { tableOf } from "./postgres-table.ts";

/** How many dead letters a task has, and how old they are. */
export interface TaskSize {
  readonly task: string;
  readonly size: number;
  /** Counted; otherwise estimated from a sample. */
  readonly exact: boolean;
  /** When the oldest was moved. */
  readonly oldest: Date;
  readonly newest: Date;
  /** Seconds since the oldest was moved, by the database's clock. */
  readonly ageSeconds: number;
}

/** Counts up to this many entries of a task; beyond, samples. */
const COUNTED = 5_000;
/** Tasks that are looked at. */
const MAX_TASKS = 500;
/** Rows of a sample, about. */
const SAMPLED = 20_000;

interface SizeRow {
  task: string;
  counted: number;
  oldest: Date;
  newest: Date;
  age: number;
}

/**
 * Sizes and ages by task, at a cost that does not grow with the table: up to 5,000 entries of each task are
 * counted along an index; larger tasks are estimated from a random sample of the table.
 */
export async function readSizes(query: Query, schema: string): Promise<TaskSize[]> {
  const rows = await query<SizeRow>(countSql(tableOf(schema)), [COUNTED + 1, MAX_TASKS]);
  const isLarge = ({ counted }: SizeRow) => counted > COUNTED;
  const estimates = rows.some(isLarge) ? await sample(query, schema) : new Map<string, number>();
  return rows.map((row) => ({
    task: row.task,
    size: isLarge(row) ? Math.max(row.counted, estimates.get(row.task) ?? 0) : row.counted,
    exact: !isLarge(row),
    oldest: row.oldest,
    newest: row.newest,
    ageSeconds: Math.max(0, row.age),
  }));
}

/** Tasks are held between two bounds where the first or last id is looked for: see `pageOf`. */
const countSql = (table: string) => `with recursive tasks as (
  (select task, 1 as number from ${table} order by task limit 1)
  union all
  select (select dead.task from ${table} as dead where dead.task > tasks.task order by dead.task limit 1), number + 1
  from tasks where tasks.task is not null and number <= $2::int
)
select tasks.task, head.counted, oldest.dead_at as oldest, newest.dead_at as newest,
  extract(epoch from now() - oldest.dead_at)::float8 as age
from tasks
cross join lateral (
  select count(*)::int as counted from (select from ${table} as dead where dead.task = tasks.task limit $1::int) as few
) as head
cross join lateral (
  select dead.dead_at from ${table} as dead where dead.task >= tasks.task and dead.task <= tasks.task
  order by dead.task, dead.id limit 1
) as oldest
cross join lateral (
  select dead.dead_at from ${table} as dead where dead.task >= tasks.task and dead.task <= tasks.task
  order by dead.task desc, dead.id desc limit 1
) as newest
where tasks.task is not null
order by tasks.task`;

async function sample(query: Query, schema: string): Promise<Map<string, number>> {
  const table = tableOf(schema);
  const [size] = await query<{ rows: number }>(
    `select (case when relpages > 0 and reltuples > 0
    then reltuples::float8 / relpages * (pg_relation_size(oid) / current_setting('block_size')::int)
    else pg_relation_size(oid) / 600.0 end)::float8 as rows
from pg_class where oid = $1::text::regclass`,
    [table],
  );
  const estimate = Math.max(1, size?.rows ?? 1);
  const percent = Math.min(100, (SAMPLED / estimate) * 100);
  const rows = await query<{ task: string; count: number }>(
    `select task, count(*)::float8 as count from ${table} tablesample system ($1::float4) group by task`,
    [percent],
  );
  return new Map(rows.map(({ task, count }) => [task, Math.round((count * 100) / percent)]));
}

/** One cause of dead letters. */
export interface DeadLetterGroup {
  readonly fingerprint: string;
  readonly task: string;
  readonly count: number;
  /** When the first and the last of them were moved. */
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  readonly errorName: string | undefined;
  readonly errorMessage: string;
  readonly reason: string;
  /** The last one of them: an example. */
  readonly exampleId: string;
}

interface GroupRow extends Omit<DeadLetterGroup, "errorName"> {
  errorName: string | null;
}

/** Causes by how many dead letters they have, most first. Without a filter but tasks it reads one index. */
export async function readGroups(
  query: Query,
  schema: string,
  filter: DlqFilter,
  limit: number,
  maxRequeues: number,
): Promise<DeadLetterGroup[]> {
  const table = tableOf(schema);
  const conditions = conditionsOf([filter], maxRequeues);
  const count = conditions.parameter(limit);
  const rows = await query<GroupRow>(
    `with causes as materialized (
  select fingerprint, count(*) as count, min(id) as first, max(id) as last
  from ${table} ${conditions.where}
  group by fingerprint
  order by count(*) desc, max(id) desc
  limit ${count}::int
)
select causes.fingerprint, last.task, causes.count::float8 as count, first.dead_at as "firstSeen",
  last.dead_at as "lastSeen", last.error_name as "errorName", last.error_message as "errorMessage",
  last.reason, last.id::text as "exampleId"
from causes
join ${table} as first on first.id = causes.first
join ${table} as last on last.id = causes.last
order by causes.count desc, causes.last desc`,
    conditions.values,
  );
  return rows.map((row) => ({ ...row, errorName: row.errorName ?? undefined }));
}
