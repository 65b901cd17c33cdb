import type { ExplainInput, Explanation } from "@oppulence/worker-core";
import { attemptsOf } from "./attempts.ts";
import { deadlineOf } from "./deadline.ts";
import type { Policy } from "./policy.ts";

const MOST_ERROR = 300;

/** For which attempt a job waits, and until when it may; undefined when there is nothing to tell. */
export function explainRetry(
  { job, labels }: ExplainInput,
  policy: Policy,
): Explanation | undefined {
  const most = attemptsOf(job, policy);
  if (job.locked_at !== null || job.attempts >= most) return undefined;
  const deadline = deadlineOf(job, labels, policy);
  const expiry =
    deadline === undefined || deadline === Number.POSITIVE_INFINITY
      ? ""
      : `it is skipped if it starts after ${new Date(deadline).toISOString()}`;
  if (job.attempts === 0)
    return expiry === "" ? undefined : { code: "HAS_DEADLINE", message: expiry, blocking: false };
  const after = job.last_error?.slice(0, MOST_ERROR) ?? "an attempt that left no error";
  const waits = `waits for attempt ${job.attempts + 1} of ${most} until ${job.run_at.toISOString()}, after: ${after}`;
  return {
    code: "WAITS_FOR_RETRY",
    message: expiry === "" ? waits : `${waits}; ${expiry}`,
    until: job.run_at,
    blocking: false,
  };
}
