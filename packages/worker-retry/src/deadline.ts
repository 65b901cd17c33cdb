import type { Job, JobSpec, Labels } from "@oppulence/worker-core";
import type { Policy } from "./policy.ts";

/** The label that holds a job's deadline: an ISO 8601 date and time with a zone, or `never`. */
export const DEADLINE_LABEL = "expires-at";
const NEVER = "never";

/** The label of a job that was brought back from the dead letters. */
const REQUEUED_LABEL = "dlq.requeues";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/;

/**
 * Reads a deadline label.
 *
 * @returns milliseconds since the epoch, infinite for never; undefined for what is no date, or one whose
 * time zone is not said
 */
export function readDeadline(label: string): number | undefined {
  if (label === NEVER) return Number.POSITIVE_INFINITY;
  const ms = ISO.test(label) ? Date.parse(label) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** What is wrong with a deadline label, as a sentence. */
export function problemOfDeadline(label: string): string {
  return `label ${DEADLINE_LABEL}: got ${JSON.stringify(label.slice(0, 40))}; it is a date with a zone, such as "2030-01-31T12:00:00Z", or "never"`;
}

/**
 * The deadline label to give a job on its way in: by its task's policy, counted from when it is due first.
 *
 * A job that comes back from the dead letters has the label of its first life, by which it would be skipped
 * at once although somebody wants it to run: it gets a new one.
 *
 * @param nowMs - the producer's clock, for a job that is due now
 * @returns undefined for a job that has one, or needs none
 */
export function deadlineLabel(
  { runAt, labels }: Pick<JobSpec, "runAt" | "labels">,
  { expireAfterMs }: Pick<Policy, "expireAfterMs">,
  nowMs: number,
): string | undefined {
  const dueMs = runAt?.getTime() ?? nowMs;
  const own = labels[DEADLINE_LABEL];
  const isStale =
    own !== undefined &&
    labels[REQUEUED_LABEL] !== undefined &&
    (readDeadline(own) ?? Number.POSITIVE_INFINITY) <= dueMs;
  if (own !== undefined && !isStale) return undefined;
  if (expireAfterMs !== undefined) return new Date(dueMs + expireAfterMs).toISOString();
  return isStale ? NEVER : undefined;
}

/**
 * When a job is too late.
 *
 * By its label. Without one it was added by SQL, whose row does not remember when it was due first: it
 * counts from when it was due last, which a retry and a deferral move, so that no job is given up too early.
 *
 * @returns milliseconds since the epoch; undefined, or infinite, for never
 */
export function deadlineOf(
  { run_at: runAt }: Pick<Job, "run_at">,
  labels: Labels,
  { expireAfterMs }: Pick<Policy, "expireAfterMs">,
): number | undefined {
  const label = labels[DEADLINE_LABEL];
  const labelled = label === undefined ? undefined : readDeadline(label);
  if (labelled !== undefined) return labelled;
  return expireAfterMs === undefined ? undefined : runAt.getTime() + expireAfterMs;
}
