import type { Labels } from "../contract/job.ts";
import { toFlags } from "../labels.ts";

/** Which jobs are meant. Conditions add up; at least one must be given. */
export interface JobMatch {
  /** Task identifiers. */
  readonly tasks?: readonly string[];
  /** Queue names. */
  readonly queues?: readonly string[];
  /** Labels that the job must all carry. */
  readonly labels?: Labels;
  readonly ids?: readonly string[];
}

/**
 * A match as parameters for {@link matchSql}.
 *
 * @throws RangeError when the match is empty: it would mean every job
 */
export function matchValues(match: JobMatch): unknown[] {
  const flags = match.labels === undefined ? undefined : toFlags(match.labels, undefined);
  const values = [match.tasks, match.queues, flags, match.ids];
  if (values.every((value) => value === undefined)) {
    throw new RangeError(
      "a job match needs at least one of tasks, queues, labels, ids; got none, which would mean every job",
    );
  }
  return values.map((value) => value ?? null);
}

/**
 * The condition on `jobs` for four parameters from `$first` on.
 *
 * @param tables - names of graphile-worker's tasks and queues
 */
export function matchSql(
  tables: { readonly tasks: string; readonly queues: string },
  first: number,
): string {
  const at = (offset: number) => `$${first + offset}`;
  return `(${at(0)}::text[] is null or jobs.task_id in (select id from ${tables.tasks} where identifier = any(${at(0)}::text[])))
    and (${at(1)}::text[] is null or jobs.job_queue_id in (select id from ${tables.queues} where queue_name = any(${at(1)}::text[])))
    and (${at(2)}::text[] is null or jobs.flags ?& ${at(2)}::text[])
    and (${at(3)}::bigint[] is null or jobs.id = any(${at(3)}::bigint[]))`;
}
