import { formatDuration } from "@oppulence/worker-core";
import type { LimiterRef } from "./errors.ts";
import { limiterOf } from "./limits.ts";
import type { Bucket, PlaceInLine } from "./store.ts";

/** A limiter and its key, for a sentence: `limiter "stripe" (key "acme")`. */
function describeLimiter({ limiter, key }: LimiterRef): string {
  return `limiter ${JSON.stringify(limiter)}${key === "" ? "" : ` (key ${JSON.stringify(key)})`}`;
}

/**
 * Why a job waits, for a decision's reason.
 *
 * @param inMs - when it is its turn, from now; undefined for a place
 */
export function describeWait(bucket: Bucket, inMs: number | undefined): string {
  const name = describeLimiter({ limiter: limiterOf(bucket), key: bucket.key });
  const { rule } = bucket;
  if (rule.kind === "places")
    return `${name}: all ${rule.capacity} places are taken; it starts when one is free`;
  const turn = inMs === undefined ? "" : `; its turn is in ${formatDuration(inMs)}`;
  return `${name}: over ${describeRate(rule)}${turn}`;
}

/** Where a job stands: what it waits for, how many are before it, since when, until when. */
export function describePlace({ limiter, key, before, since, turnAt }: PlaceInLine): string {
  const name = describeLimiter({ limiter: limiterOf({ limiter }), key });
  const ahead = before === 0 ? "it is the first in line" : `${before} are before it in line`;
  const turn =
    turnAt === undefined
      ? "it starts when a place is free"
      : `its turn is at ${turnAt.toISOString()}`;
  return `${name}: ${ahead} since ${since.toISOString()}; ${turn}`;
}

function describeRate({
  unitMs,
  burst,
}: {
  readonly unitMs: number;
  readonly burst: number;
}): string {
  const aSecond = 1_000 / unitMs;
  const rate =
    aSecond >= 1 ? `${Number(aSecond.toFixed(2))} a second` : `one in ${formatDuration(unitMs)}`;
  return `${rate}, burst ${burst}`;
}
