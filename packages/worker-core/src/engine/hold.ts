import type { Reason } from "../contract/reason.ts";
import type { EngineDatabase } from "./database.ts";
import { type JobMatch, matchSql, matchValues } from "./match.ts";

/** Far enough that no fetch comes near it, near enough for every client's dates. */
const FOREVER = "9999-01-01T00:00:00Z";

/** Whether a `run_at` is that of a hold without an end. */
export function isEndless(runAt: Date): boolean {
  return runAt.getTime() >= Date.parse(FOREVER);
}

/**
 * Parks waiting jobs: their `run_at` moves to `until`, one microsecond apart so that they come back in the
 * order they had, and their notes keep where they came from. A fetch skips them in its index, so a parked
 * backlog costs the others nothing.
 *
 * Where they came from is kept one microsecond apart as well. Jobs of one `addJobs` have the same `run_at`,
 * and the engine fetches equals in the order of their rows on disk, which being parked and released rewrites.
 *
 * Running jobs and jobs that failed for good are left alone. Holding a held job again extends it.
 *
 * @param until - when they come back by themselves; never when undefined
 * @param limit - at most so many, the ones that would run first
 * @param offset - how many this hold parked before: their places come first
 * @returns how many were parked
 */
export async function holdJobs(
  { run, tables }: EngineDatabase,
  match: JobMatch,
  until: Date | undefined,
  reason: Reason,
  limit: number,
  offset: number,
): Promise<number> {
  const [row] = await run<{ count: string }>(
    "hold",
    `with picked as (
  select jobs.id, jobs.run_at, jobs.priority
  from ${tables.jobs} as jobs
  where jobs.is_available and jobs.run_at < $5::timestamptz
    and ${matchSql(tables, 1)}
  order by jobs.priority, jobs.run_at, jobs.id
  limit $9
  for update skip locked
), ranked as (
  select id, run_at, ($10::bigint + row_number() over (order by priority, run_at, id)) * interval '1 microsecond' as place
  from picked
), moved as (
  update ${tables.jobs} as jobs
  set run_at = $5::timestamptz + ranked.place, updated_at = now()
  from ranked
  where jobs.id = ranked.id
  returning jobs.id, jobs.run_at as parked_at, ranked.run_at + ranked.place as held_from
), noted as (
  insert into ${tables.notes} as notes (job_id, plugin, code, message, kind, until, held_from)
  select id, $6, $7, $8, 'held', parked_at, held_from from moved
  on conflict (job_id) do update
  set plugin = excluded.plugin, code = excluded.code, message = excluded.message, kind = excluded.kind,
    -- Held already, if its run_at was the old note's until: excluded.held_from without its place.
    held_from = case when notes.until is distinct from excluded.held_from - (excluded.until - $5::timestamptz)
      then excluded.held_from
      when notes.kind = 'held' then notes.held_from
      -- Deferred by the same plugin: it was fetched before those that came with it, so its place is before theirs.
      when notes.kind = 'deferred' and notes.plugin = excluded.plugin
      then coalesce(notes.held_from - interval '1 millisecond' + least(excluded.until - $5::timestamptz, interval '999 microseconds'), excluded.held_from)
      else excluded.held_from end,
    until = excluded.until, count = notes.count + 1, updated_at = now()
)
select count(*) as count from moved`,
    [
      ...matchValues(match),
      until?.toISOString() ?? FOREVER,
      reason.plugin,
      reason.code,
      reason.message,
      limit,
      offset,
    ],
  );
  return Number(row?.count ?? 0);
}

/**
 * Brings jobs back that a plugin holds, in their old order: each gets the `run_at` it had, later by as many
 * microseconds as jobs were parked before it.
 *
 * A job that was rescheduled or run since is not held any more and is left alone.
 *
 * @param plugin - whose holds
 * @param match - which of them; all when undefined
 * @param limit - at most so many, the oldest first: a ramp instead of a herd
 * @returns how many came back
 */
export async function releaseJobs(
  { run, tables }: EngineDatabase,
  plugin: string,
  match: JobMatch | undefined,
  limit: number,
): Promise<number> {
  const [row] = await run<{ count: string }>(
    "release",
    `with picked as (
  select jobs.id, notes.held_from
  from ${tables.notes} as notes
  join ${tables.jobs} as jobs on jobs.id = notes.job_id and jobs.run_at = notes.until
  where notes.kind = 'held' and notes.plugin = $5 and jobs.locked_at is null
    and ${matchSql(tables, 1)}
  order by notes.held_from, notes.job_id
  limit $6
  for update of jobs skip locked
), moved as (
  update ${tables.jobs} as jobs
  set run_at = picked.held_from, updated_at = now()
  from picked
  where jobs.id = picked.id
  returning jobs.id
), forgotten as (
  delete from ${tables.notes} as notes using moved where notes.job_id = moved.id
), counted as (
  select count(*) as count from moved
)
select count, case when count > 0
  then pg_notify('jobs:insert', json_build_object('r', random(), 'count', count)::text) end
from counted`,
    [...(match === undefined ? [null, null, null, null] : matchValues(match)), plugin, limit],
  );
  return Number(row?.count ?? 0);
}
