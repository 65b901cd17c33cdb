import type { Query } from "@oppulence/worker-core";
import { checkInvariants } from "@oppulence/worker-testing";
import { FAILING } from "./soak-worker.ts";

/**
 * Proves in SQL that every job ended as its kind says: gone and run at least once, or failed for good and
 * still there; and that none ran more often than its retries and the kills that hit it explain.
 *
 * @param jobs - kind by job id
 * @param crashes - processes that were killed: each may have a job run once more
 * @returns what is wrong
 */
export async function prove(
  query: Query,
  jobs: ReadonlyMap<string, string>,
  crashes: number,
): Promise<string[]> {
  const ids = [...jobs.keys()];
  const kinds = [...jobs.values()];
  const violations = (await checkInvariants(query)).map(
    ({ name, rows }) => `${name}: ${JSON.stringify(rows.slice(0, 5))}`,
  );
  const wrong = await query<{ id: string; kind: string; state: string; runs: number }>(
    `select job.id::text as id, job.kind,
  case when row.id is null then 'gone' when row.locked_at is not null then 'locked' when row.attempts >= row.max_attempts then 'failed' else 'waiting' end as state,
  coalesce(runs.count, 0)::int as runs
from unnest($1::bigint[], $2::text[]) as job(id, kind)
left join graphile_worker.jobs as row on row.id = job.id
left join (select job_id, count(*) from soak_runs group by job_id) as runs on runs.job_id = job.id
where case when job.kind = any($3::text[])
    then not (row.id is not null and row.locked_at is null and row.attempts >= row.max_attempts)
    else row.id is not null end
  or coalesce(runs.count, 0) < case when job.kind in ('skip', 'refuse') then 0 when job.kind in ('retry', 'fail') then 2 else 1 end
  or coalesce(runs.count, 0) > case when job.kind in ('skip', 'refuse') then 0 when job.kind in ('retry', 'fail') then 2 else 1 end + $4::int
order by job.id
limit 20`,
    [ids, kinds, FAILING, crashes],
  );
  return [
    ...violations,
    ...wrong.map((row) => `job ${row.id} (${row.kind}) is ${row.state} after ${row.runs} runs`),
  ];
}
