import type { Job } from "graphile-worker";
import type { Reason } from "../contract/reason.ts";
import type { EngineDatabase } from "./database.ts";

/** When a moved job is due: an instant, or milliseconds from the database's now. */
export type Due = { readonly at: Date } | { readonly afterMs: number };

/** One job to defer. */
export interface DeferItem {
  readonly job: Job;
  readonly due: Due;
  readonly reason: Reason;
}

/** When a job will run next; undefined when the row was no longer this pool's. */
export interface Moved {
  readonly runAt: Date;
  /** From now, by the database's clock. */
  readonly dueInMs: number;
}

interface MovedRow extends Record<string, unknown> {
  id: string;
  run_at: Date;
  due_in_ms: number;
}

/**
 * Sends claimed jobs back: attempts − 1, due later, job and queue unlocked, the reason noted. Guarded by
 * the claim's pool, so a row that somebody else has since claimed stays as it is.
 *
 * @param minDelayMs - no job is due sooner than this
 */
export async function deferJobs(
  { run, tables }: EngineDatabase,
  items: readonly DeferItem[],
  minDelayMs: number,
): Promise<(Moved | undefined)[]> {
  const rows = await run<MovedRow>(
    "defer",
    `with item as (
  select * from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::float8[], $5::text[], $6::text[], $7::text[])
    as item(id, pool, at, after_ms, plugin, code, message)
), moved as (
  update ${tables.jobs} as jobs
  set attempts = greatest(0, jobs.attempts - 1),
    run_at = greatest(coalesce(item.at, now() + item.after_ms * interval '1 millisecond'), now() + $8::float8 * interval '1 millisecond'),
    locked_at = null,
    locked_by = null,
    updated_at = now()
  from item
  join ${tables.jobs} as before on before.id = item.id
  where jobs.id = item.id and jobs.locked_by = item.pool
  returning jobs.id, jobs.job_queue_id, jobs.run_at, before.run_at as came_from, item.pool, item.plugin, item.code, item.message
), freed as (
  update ${tables.queues} as queues
  set locked_at = null, locked_by = null
  from moved
  where queues.id = moved.job_queue_id and queues.locked_by = moved.pool
), noted as (
  insert into ${tables.notes} as notes (job_id, plugin, code, message, kind, until, held_from)
  select id, plugin, code, message, 'deferred', run_at, came_from from moved
  on conflict (job_id) do update
  set plugin = excluded.plugin, code = excluded.code, message = excluded.message, kind = excluded.kind,
    -- Deferred by the same plugin before, and not moved since: where it came from first.
    held_from = case when notes.kind = 'deferred' and notes.plugin = excluded.plugin and notes.until = excluded.held_from
      then coalesce(notes.held_from, excluded.held_from) else excluded.held_from end,
    until = excluded.until, count = notes.count + 1, updated_at = now()
)
select id, run_at, extract(epoch from run_at - clock_timestamp())::float8 * 1000 as due_in_ms from moved`,
    [
      items.map(({ job }) => job.id),
      items.map(({ job }) => job.locked_by),
      items.map(({ due }) => ("at" in due ? due.at.toISOString() : null)),
      items.map(({ due }) => ("at" in due ? null : due.afterMs)),
      items.map(({ reason }) => reason.plugin),
      items.map(({ reason }) => reason.code),
      items.map(({ reason }) => reason.message),
      minDelayMs,
    ],
  );
  return answerById(items, rows);
}

/** One failed attempt whose next one is due at a time of a plugin's choosing. */
export interface RetryItem {
  readonly job: Job;
  readonly due: Due;
  readonly message: string;
  /** What of a batch payload is left to do. */
  readonly payload: readonly unknown[] | undefined;
}

/** Records failed attempts and when the next ones are due, in place of the engine's own failure write. */
export async function retryJobs(
  { run, tables }: EngineDatabase,
  items: readonly RetryItem[],
): Promise<(Moved | undefined)[]> {
  const rows = await run<MovedRow>(
    "retry",
    `with item as (
  select * from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::float8[], $5::text[], $6::text[])
    as item(id, pool, at, after_ms, message, payload)
), moved as (
  update ${tables.jobs} as jobs
  set last_error = item.message,
    run_at = coalesce(item.at, now() + item.after_ms * interval '1 millisecond'),
    payload = coalesce(item.payload::json, jobs.payload),
    locked_at = null,
    locked_by = null,
    updated_at = now()
  from item
  where jobs.id = item.id and jobs.locked_by = item.pool
  returning jobs.id, jobs.job_queue_id, jobs.run_at, item.pool
), freed as (
  update ${tables.queues} as queues
  set locked_at = null, locked_by = null
  from moved
  where queues.id = moved.job_queue_id and queues.locked_by = moved.pool
)
select id, run_at, extract(epoch from run_at - clock_timestamp())::float8 * 1000 as due_in_ms from moved`,
    [
      items.map(({ job }) => job.id),
      items.map(({ job }) => job.locked_by),
      items.map(({ due }) => ("at" in due ? due.at.toISOString() : null)),
      items.map(({ due }) => ("at" in due ? null : due.afterMs)),
      items.map(({ message }) => storable(message)),
      items.map(({ payload }) => (payload === undefined ? null : JSON.stringify(payload))),
    ],
  );
  return answerById(items, rows);
}

/** One job to leave no further attempt. */
export interface ExhaustItem {
  readonly job: Job;
  readonly reason: Reason;
}

/** Leaves claimed jobs no further attempt and notes why; the engine then records their error as of a last attempt. */
export async function exhaustJobs(
  { run, tables }: EngineDatabase,
  items: readonly ExhaustItem[],
): Promise<boolean[]> {
  const rows = await run<{ id: string }>(
    "exhaust",
    `with item as (
  select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
    as item(id, pool, plugin, code, message)
), exhausted as (
  update ${tables.jobs} as jobs
  set attempts = jobs.max_attempts, updated_at = now()
  from item
  where jobs.id = item.id and jobs.locked_by = item.pool
  returning jobs.id, item.plugin, item.code, item.message
), noted as (
  insert into ${tables.notes} as notes (job_id, plugin, code, message, kind)
  select id, plugin, code, message, 'exhausted' from exhausted
  on conflict (job_id) do update
  set plugin = excluded.plugin, code = excluded.code, message = excluded.message, kind = excluded.kind,
    until = null, held_from = null, count = notes.count + 1, updated_at = now()
)
select id from exhausted`,
    [
      items.map(({ job }) => job.id),
      items.map(({ job }) => job.locked_by),
      items.map(({ reason }) => reason.plugin),
      items.map(({ reason }) => reason.code),
      items.map(({ reason }) => reason.message),
    ],
  );
  const ids = new Set(rows.map(({ id }) => id));
  return items.map(({ job }) => ids.has(job.id));
}

/** PostgreSQL's text cannot hold a NUL byte. */
function storable(message: string): string {
  return message.includes("\0") ? message.replaceAll("\0", "\\0") : message;
}

function answerById(
  items: readonly { readonly job: Job }[],
  rows: readonly MovedRow[],
): (Moved | undefined)[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return items.map(({ job }) => {
    const row = byId.get(job.id);
    return row && { runAt: row.run_at, dueInMs: row.due_in_ms };
  });
}
