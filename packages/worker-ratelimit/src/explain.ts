import type { ExplainInput, Explanation } from "@oppulence/worker-core";
import { taskLimiters } from "./definitions.ts";
import { describePlace } from "./describe.ts";
import type { PlaceInLine, RateLimitStore } from "./store.ts";

/**
 * What limiters have to do with a job's waiting: the line that it leaves last, with how many others there are. One
 * round trip.
 *
 * @returns undefined for a job that runs, whose task has no limiter, or that stands in no line
 * @throws what the store throws
 */
export async function explainLimits(
  { job, task }: ExplainInput,
  store: Pick<RateLimitStore, "inLine">,
): Promise<Explanation | undefined> {
  if (job.locked_at !== null) return undefined;
  // A task that this process does not know may be limited all the same.
  if (task !== undefined && taskLimiters(task).length === 0) return undefined;
  const [last, ...others] = [...(await store.inLine(job.id))].sort(lastFirst);
  if (last === undefined) return undefined;
  const more =
    others.length === 0
      ? ""
      : `; it also waits in ${others.length === 1 ? "another line" : `${others.length} other lines`}`;
  return {
    code: last.turnAt === undefined ? "CONCURRENCY_LIMITED" : "RATE_LIMITED",
    message: describePlace(last) + more,
    blocking: true,
    ...(last.turnAt === undefined ? {} : { until: last.turnAt }),
  };
}

/** A place that nobody can foresee comes after every turn. */
function lastFirst(a: PlaceInLine, b: PlaceInLine): number {
  const at = ({ turnAt }: PlaceInLine) => turnAt?.getTime() ?? Number.MAX_SAFE_INTEGER;
  return at(b) - at(a);
}
