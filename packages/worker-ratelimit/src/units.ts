import { messageOf } from "@oppulence/worker-core";
import { RateLimitUnitsError } from "./errors.ts";
import type { LimitedJob, LimiterDefinition } from "./options.ts";
import { shown } from "./shown.ts";
import type { Bucket } from "./store.ts";

/**
 * How much a job weighs.
 *
 * @returns 1 for a limiter without weights
 * @throws RateLimitUnitsError when the function throws, or says what is no whole number above 0
 */
export function unitsOf(
  limiter: string,
  { units }: Pick<LimiterDefinition, "units">,
  payload: unknown,
  job: LimitedJob,
): number {
  if (units === undefined) return 1;
  let answer: unknown;
  try {
    answer = units(payload, job);
  } catch (error) {
    throw new RateLimitUnitsError(limiter, `its units function threw: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return readUnits(limiter, answer);
}

/**
 * Units, from what a units function said or a caller gave.
 *
 * @throws RateLimitUnitsError for anything but a whole number from 1 on
 */
export function readUnits(limiter: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1) return value as number;
  // Its rejection would have no one to handle it, which ends the process.
  if (value instanceof Promise) value.catch(() => {});
  throw new RateLimitUnitsError(
    limiter,
    `got ${shown(value)} as units; units are a whole number, 1 or more`,
  );
}

/** Whether units can start at once, by the limits as they are now and as they are defined. */
export type Fit =
  | "fits"
  /** A limit set at run time is too small; it may be lifted, so the job waits. */
  | "not-now"
  /** The definition itself is too small. */
  | "never";

/**
 * Whether units can ever start: a rate lets no more than its burst start at once.
 *
 * @param buckets - by the limits that hold now
 * @param defined - gives those of the definition alone; called only where they decide
 */
export function fitOf(
  units: number,
  buckets: readonly Bucket[],
  defined: () => readonly Bucket[],
): Fit {
  if (leastBurst(buckets) >= units) return "fits";
  return leastBurst(defined()) >= units ? "not-now" : "never";
}

/** Why units that do not fit cannot start. */
export function misfitOf(
  limiter: string,
  units: number,
  buckets: readonly Bucket[],
): RateLimitUnitsError {
  return new RateLimitUnitsError(
    limiter,
    `${units} units never start: no more than its burst of ${leastBurst(buckets)} start at once; raise burstSize, or split the work`,
  );
}

function leastBurst(buckets: readonly Bucket[]): number {
  return buckets.reduce(
    (least, { rule }) => (rule.kind === "rate" ? Math.min(least, rule.burst) : least),
    Number.POSITIVE_INFINITY,
  );
}
