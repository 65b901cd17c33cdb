import type { Job } from "graphile-worker";
import { toFlags } from "../labels.ts";
import type { EngineDatabase } from "./database.ts";
import { type JobMatch, matchSql } from "./match.ts";

/** Where a job stands: ready to run, due later, parked by a hold, running, or failed for good. */
export type JobState = "ready" | "scheduled" | "held" | "running" | "failed";

/** Why a job was last moved or completed by a plugin. */
export interface Note {
  readonly plugin: string;
  readonly code: string;
  readonly message: string;
  readonly kind: "deferred" | "skipped" | "exhausted" | "held";
  /** The `run_at` that the move set. */
  readonly until: Date | null;
  /** The `run_at` before a hold. */
  readonly held_from: Date | null;
  /** How often the job was noted. */
  readonly count: number;
  readonly updated_at: Date;
}

/** A job's row with what belongs to it. */
export interface JobRecord {
  readonly job: Job & { readonly queue_name: string | null };
  readonly state: JobState;
  readonly note: Note | undefined;
}

/** Which jobs to list, by id ascending. */
export interface PeekFilter extends JobMatch {
  readonly states?: readonly JobState[];
  /** Only ids after this one. */
  readonly after?: string;
  /** @defaultValue 50 */
  readonly limit?: number;
}

const STATE = `case
    when jobs.locked_at is not null then 'running'
    when jobs.attempts >= jobs.max_attempts then 'failed'
    when jobs.run_at <= now() then 'ready'
    when notes.kind = 'held' and notes.until = jobs.run_at then 'held'
    else 'scheduled'
  end`;

interface PeekRow extends Record<string, unknown> {
  state: JobState;
  note:
    | (Omit<Note, "until" | "held_from" | "updated_at"> & {
        until: string | null;
        held_from: string | null;
        updated_at: string;
      })
    | null;
}

function filterSql(tables: EngineDatabase["tables"]): string {
  return `${matchSql(tables, 1)}
  and ($5::text[] is null or ${STATE} = any($5::text[]))
  and jobs.id > $6::bigint`;
}

function filterValues(filter: PeekFilter): unknown[] {
  return [
    filter.tasks ?? null,
    filter.queues ?? null,
    filter.labels === undefined ? null : (toFlags(filter.labels, undefined) ?? null),
    filter.ids ?? null,
    filter.states ?? null,
    filter.after ?? "0",
    filter.limit ?? 50,
  ];
}

/** Lists jobs with state, queue and note. Reads along the primary key; a rare state may read far. */
export async function peekJobs(
  { run, tables }: EngineDatabase,
  filter: PeekFilter,
): Promise<JobRecord[]> {
  const rows = await run<PeekRow>(
    "peek",
    `select jobs.*, tasks.identifier as task_identifier, queues.queue_name, ${STATE} as state,
  case when notes.job_id is null then null else to_json(notes) end as note
from ${tables.jobs} as jobs
join ${tables.tasks} as tasks on tasks.id = jobs.task_id
left join ${tables.queues} as queues on queues.id = jobs.job_queue_id
left join ${tables.notes} as notes on notes.job_id = jobs.id
where ${filterSql(tables)}
order by jobs.id
limit $7`,
    filterValues(filter),
  );
  return rows.map(({ state, note, ...job }) => ({
    job: job as unknown as JobRecord["job"],
    state,
    note: note === null ? undefined : toNote(note),
  }));
}

/** Ids of jobs, for operations on many; reads no payloads. */
export async function jobIds(
  { run, tables }: EngineDatabase,
  filter: PeekFilter,
): Promise<string[]> {
  const rows = await run<{ id: string }>(
    "ids",
    `select jobs.id
from ${tables.jobs} as jobs
left join ${tables.notes} as notes on notes.job_id = jobs.id
where ${filterSql(tables)}
order by jobs.id
limit $7`,
    filterValues(filter),
  );
  return rows.map(({ id }) => id);
}

/** The note of a job that may be gone already. */
export async function readNote(
  { run, tables }: EngineDatabase,
  id: string,
): Promise<Note | undefined> {
  const [note] = await run<Note & Record<string, unknown>>(
    "note_of",
    `select plugin, code, message, kind, until, held_from, count, updated_at from ${tables.notes} where job_id = $1::bigint`,
    [id],
  );
  return note;
}

function toNote(note: NonNullable<PeekRow["note"]>): Note {
  const date = (value: string | null) => (value === null ? null : new Date(value));
  return {
    plugin: note.plugin,
    code: note.code,
    message: note.message,
    kind: note.kind,
    until: date(note.until),
    held_from: date(note.held_from),
    count: note.count,
    updated_at: new Date(note.updated_at),
  };
}

/** How many jobs of a task are in a state. */
export interface DepthRow extends Record<string, unknown> {
  readonly task: string;
  readonly state: JobState;
  readonly count: number;
}

/** The queue's depth; exact, or estimated from a sample once there are more rows than the cap. */
export interface Depth {
  readonly rows: readonly DepthRow[];
  readonly exact: boolean;
}

/**
 * Counts jobs by task and state at a bounded cost.
 *
 * Up to `cap` rows are counted. Beyond, about `cap` rows are read from a random sample of pages and scaled
 * up by the planner's estimate of the table's rows, so the cost does not grow with the backlog.
 */
export async function readDepth({ run, tables }: EngineDatabase, cap: number): Promise<Depth> {
  const [size] = await run<{ more: boolean; estimate: number }>(
    "depth_size",
    `select (select count(*) from (select from ${tables.jobs} limit $1::int + 1) as head) > $1::int as more,
  (select case when relpages > 0 and reltuples > 0
      then reltuples::float8 / relpages * (pg_relation_size(oid) / current_setting('block_size')::int)
      else pg_relation_size(oid) / 200.0 end
    from pg_class where oid = $2::regclass)::float8 as estimate`,
    [cap, tables.jobsRegclass],
  );
  const estimate = Math.max(size?.estimate ?? 0, cap);
  const exact = size?.more !== true;
  const percent = exact ? 100 : Math.min(100, (cap / estimate) * 100);
  const rows = await run<DepthRow>(
    exact ? "depth" : "depth_sampled",
    `select tasks.identifier as task, sampled.state, sampled.count::float8 as count
from (
  select jobs.task_id, ${STATE} as state, count(*) as count
  from ${tables.jobs} as jobs ${exact ? "" : "tablesample system ($1::float4)"}
  left join ${tables.notes} as notes on notes.job_id = jobs.id
  group by 1, 2
) as sampled
join ${tables.tasks} as tasks on tasks.id = sampled.task_id
order by 1, 2`,
    exact ? [] : [percent],
  );
  if (exact) return { rows, exact };
  const seen = rows.reduce((sum, row) => sum + row.count, 0);
  const scale = seen === 0 ? 0 : estimate / seen;
  return { rows: rows.map((row) => ({ ...row, count: Math.round(row.count * scale) })), exact };
}

/** A pool that holds locks. */
export interface LockOwner extends Record<string, unknown> {
  readonly pool: string;
  readonly jobs: number;
  readonly queues: number;
  /** When the oldest of its locks was taken. */
  readonly since: Date;
}

/** Who holds jobs and queues. Reads every row: for people and for recovery, not for hot paths. */
export function readLockOwners({ run, tables }: EngineDatabase): Promise<LockOwner[]> {
  return run<LockOwner>(
    "lock_owners",
    `select locked_by as pool, count(*) filter (where is_job)::int as jobs,
  count(*) filter (where not is_job)::int as queues, min(locked_at) as since
from (
  select locked_by, locked_at, true as is_job from ${tables.jobs} where locked_at is not null
  union all
  select locked_by, locked_at, false from ${tables.queues} where locked_at is not null
) as locks
group by locked_by
order by since`,
    [],
  );
}
