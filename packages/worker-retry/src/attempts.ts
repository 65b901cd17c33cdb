import type { Job } from "@oppulence/worker-core";
import type { Policy } from "./policy.ts";

/** What graphile-worker gives a job that does not say. */
const ENGINE_DEFAULT = 25;

/**
 * How many attempts a job has.
 *
 * Jobs that `addJob` added have it in their row. SQL knows nothing of the policy: a row with the engine's
 * own default is taken for one that did not say. The row cannot be given more than it has.
 */
export function attemptsOf(
  { max_attempts: most }: Pick<Job, "max_attempts">,
  { maxAttempts }: Pick<Policy, "maxAttempts">,
): number {
  return maxAttempts !== undefined && most === ENGINE_DEFAULT ? Math.min(most, maxAttempts) : most;
}
