import type { Query, Worker } from "@oppulence/worker-core";
import pg from "pg";
import { HarnessTimeoutError } from "./errors.ts";
import type { History } from "./history.ts";
import { until } from "./until.ts";
import { describe } from "./wait-for.ts";

/** What {@link drainJobs} looks at. */
export interface Drained {
  readonly worker: Pick<Worker, "explain" | "jobsInProgress">;
  readonly query: Query;
  readonly history: History;
  /** graphile-worker's schema, not escaped. */
  readonly engineSchema: string;
  readonly timeoutMs: number;
}

const SHOWN = 5;

/**
 * Waits until no job is ready or running, in the database and in the worker.
 *
 * Jobs that are due later (deferred, held, waiting for another attempt) and jobs that failed for good may
 * be left.
 *
 * @throws HarnessTimeoutError with what `explain` says of some that are left when the time is up
 */
export async function drainJobs(drained: Drained): Promise<void> {
  const { worker, history, timeoutMs } = drained;
  let left: readonly string[] = [];
  const isDrained = await until(
    async () => {
      left = await busyJobs(drained.query, drained.engineSchema, SHOWN);
      return left.length === 0 && worker.jobsInProgress === 0 ? true : undefined;
    },
    { timeoutMs, onChange: history.onChange },
  );
  if (isDrained === true) return;
  const explanations = await Promise.all(left.map((id) => worker.explain(id)));
  const jobs = left.length === SHOWN ? `${SHOWN} of the jobs` : `${left.length} jobs`;
  const problem =
    left.length === 0
      ? `waited ${timeoutMs} ms for ${worker.jobsInProgress} tasks to end whose jobs are gone`
      : `waited ${timeoutMs} ms for all jobs to end; ${jobs} that are ready or running:`;
  throw new HarnessTimeoutError([problem, ...explanations.map(describe)].join("\n"), explanations);
}

/** Ids of jobs that are ready or running, by graphile-worker's own view. */
export async function busyJobs(
  query: Query,
  engineSchema: string,
  limit: number,
): Promise<string[]> {
  const rows = await query<{ id: string }>(
    `select id::text as id from ${pg.escapeIdentifier(engineSchema)}.jobs
where locked_at is not null or (attempts < max_attempts and run_at <= now())
order by id
limit $1`,
    [limit],
  );
  return rows.map(({ id }) => id);
}
