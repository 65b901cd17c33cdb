import type { EngineDatabase } from "./database.ts";

/** One page of the walk that looks for jobs that failed for good. */
export interface FailedPage {
  readonly ids: readonly string[];
  /** Where to go on; "0" once the end was reached. */
  readonly next: string;
}

/**
 * Looks for jobs that nobody holds and that have no attempt left, a bounded page at a time along the
 * primary key: the engine has no index that would find them.
 *
 * @param after - where the last page ended; "0" to begin
 * @param scan - rows to look at
 */
export async function failedPage(
  { run, tables }: EngineDatabase,
  after: string,
  scan: number,
): Promise<FailedPage> {
  const [page] = await run<{ ids: string[] | null; last: string | null; seen: string }>(
    "failed",
    `select array_agg(id::text order by id) filter (where locked_at is null and attempts >= max_attempts) as ids,
  max(id)::text as last, count(*) as seen
from (
  select id, locked_at, attempts, max_attempts from ${tables.jobs}
  where id > $1::bigint order by id limit $2::int
) as page`,
    [after, scan],
  );
  const isLast = page === undefined || Number(page.seen) < scan;
  return { ids: page?.ids ?? [], next: isLast ? "0" : (page.last ?? "0") };
}
