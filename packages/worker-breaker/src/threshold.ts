import type { RateThreshold, Settings } from "./settings.ts";
import type { Tally } from "./window.ts";

/** Why calls open a circuit, or undefined when they do not. */
export type Excess = {
  /** One clause, for people. */
  readonly reason: string;
  /** It takes the successes of all processes to be sure. */
  readonly byRate: boolean;
};

/** Compares how calls ended with the thresholds. */
export function excessOf(tally: Tally, settings: Settings): Excess | undefined {
  const { failures, slow } = settings;
  const over =
    "count" in failures
      ? tally.failed >= failures.count
      : isOver(tally.failed, tally.calls, failures);
  if (over) {
    const reason =
      "count" in failures
        ? `${tally.failed} failures`
        : `${tally.failed} of ${tally.calls} calls failed`;
    return { reason, byRate: "rate" in failures };
  }
  if (slow !== undefined && isOver(tally.slow, tally.calls, slow))
    return { reason: `${tally.slow} of ${tally.calls} calls were slow`, byRate: true };
  return undefined;
}

function isOver(count: number, calls: number, { rate, minimumCalls }: RateThreshold): boolean {
  return calls >= minimumCalls && count > 0 && count / calls >= rate;
}

/**
 * Calls that may be under way at once in a process: with a threshold by count no more than failures are missing
 * to it, so that not even if all of them fail more calls than the threshold have failed here.
 */
export function roomFor(tally: Tally, { maxUnderWay, failures }: Settings): number {
  if (maxUnderWay === undefined) return Number.POSITIVE_INFINITY;
  if (!("count" in failures)) return maxUnderWay;
  return Math.min(maxUnderWay, Math.max(1, failures.count - tally.failed));
}
