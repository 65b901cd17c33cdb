import type { Job } from "graphile-worker";
import type { Reason } from "../contract/reason.ts";
import type { EngineDatabase } from "./database.ts";

/** A note to leave on a job that is skipped. */
export interface SkipNote {
  readonly job: Job;
  readonly reason: Reason;
}

/** Notes why jobs complete without running; their rows are about to go, the notes stay a while. */
export async function noteSkips(
  { run, tables }: EngineDatabase,
  items: readonly SkipNote[],
): Promise<undefined[]> {
  await run(
    "note",
    `insert into ${tables.notes} as notes (job_id, plugin, code, message, kind)
select * from (select distinct on (id) id, plugin, code, message, 'skipped' from unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
  as item(id, plugin, code, message)) as item
on conflict (job_id) do update
set plugin = excluded.plugin, code = excluded.code, message = excluded.message, kind = excluded.kind,
  until = null, held_from = null, count = notes.count + 1, updated_at = now()`,
    [
      items.map(({ job }) => job.id),
      items.map(({ reason }) => reason.plugin),
      items.map(({ reason }) => reason.code),
      items.map(({ reason }) => reason.message),
    ],
  );
  return items.map(() => undefined);
}

/**
 * Deletes notes of jobs that are gone, a bounded page at a time along the primary key.
 *
 * @param after - where the last sweep stopped; "0" to begin
 * @param limit - notes to look at
 * @param keepMs - a note of a job that is gone stays this long, for `explain`
 * @returns where to go on; "0" once the end was reached
 */
export async function sweepNotes(
  { run, tables }: EngineDatabase,
  after: string,
  limit: number,
  keepMs: number,
): Promise<string> {
  const [row] = await run<{ last: string | null; seen: string }>(
    "sweep_notes",
    `with page as materialized (
  select job_id, updated_at from ${tables.notes} where job_id > $1::bigint order by job_id limit $2
), swept as (
  delete from ${tables.notes} as notes using page
  where notes.job_id = page.job_id
    and notes.updated_at < now() - $3::float8 * interval '1 millisecond'
    and not exists (select from ${tables.jobs} as jobs where jobs.id = notes.job_id)
)
select max(job_id) as last, count(*) as seen from page`,
    [after, limit, keepMs],
  );
  return row === undefined || Number(row.seen) < limit ? "0" : (row.last ?? "0");
}
