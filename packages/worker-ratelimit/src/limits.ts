import { type Duration, formatDuration, parseDuration } from "@oppulence/worker-core";
import type { Bucket, PlacesRule, RateRule } from "./store.ts";

/** How much may start, or run at once. At least one of them; all that are given hold together. */
export interface Limits {
  /** Jobs that run at once, in all processes together. A whole number from 1 to 1,000,000. */
  readonly maxConcurrent?: number | undefined;
  /** Units a second. Above 0, up to 1,000,000; `0.5` is one in two seconds. */
  readonly maxPerSecond?: number | undefined;
  /** Units a minute. Above 0, up to 60,000,000. */
  readonly maxPerMinute?: number | undefined;
  /** Units a `period`. Above 0, up to 1,000,000,000. */
  readonly limit?: number | undefined;
  /** 1 ms to 366 d; with `limit` only. */
  readonly period?: Duration | undefined;
  /**
   * Units that may start at once after a pause; of every rate given beside it.
   * @defaultValue the limit of one period, rounded down, but 1 at least
   */
  readonly burstSize?: number | undefined;
}

/** Names of {@link Limits}. */
export const LIMIT_NAMES = [
  "maxConcurrent",
  "maxPerSecond",
  "maxPerMinute",
  "limit",
  "period",
  "burstSize",
] as const satisfies readonly (keyof Limits)[];

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** Stores count in microseconds: a unit that is shorter is none. */
const LEAST_UNIT_MS = 0.001;
/** Microseconds since the epoch and twice this stay exact in a double. */
const MOST_MS = 100 * 366 * 86_400_000;
const PLACES = "places";
const SUFFIX = /#(?:places|\d+)$/;
/** How many rates {@link Limits} has. */
const RATES = 3;

/** A rule, and what its bucket's name has after the limiter's. */
interface NamedRule {
  readonly suffix: string;
  readonly rule: RateRule | PlacesRule;
}

/** Limits are frozen, and the same object again and again: read once. */
const known = new WeakMap<Limits, readonly NamedRule[]>();

/**
 * The rules of limits: places first, then rates.
 *
 * Buckets of rates are named by their position, not their unit (`stripe`, `stripe#2`): `limit` and `period` set over
 * a `maxPerSecond` go on with its bucket, with what it counted and who waits. That of places is `stripe#places`.
 *
 * @param limits - checked by the schema of limits; not changed afterwards
 */
export function bucketsOf(limiter: string, key: string, limits: Limits): Bucket[] {
  let rules = known.get(limits);
  if (rules === undefined) {
    rules = rulesOf(limits);
    known.set(limits, rules);
  }
  return rules.map(({ suffix, rule }) => ({ limiter: limiter + suffix, key, rule }));
}

/** The name of a bucket's limiter. */
export function limiterOf({ limiter }: Pick<Bucket, "limiter">): string {
  return limiter.replace(SUFFIX, "");
}

/** What buckets of a limiter may be called. */
export function bucketNames(limiter: string): string[] {
  return [
    ...Array.from({ length: RATES }, (_, at) => limiter + rateSuffix(at)),
    `${limiter}#${PLACES}`,
  ];
}

/**
 * What is wrong with limits that are right one by one.
 *
 * @returns a sentence, or undefined when nothing is
 */
export function problemOf(limits: Limits): string | undefined {
  const { limit, period, burstSize, maxConcurrent } = limits;
  if ((limit === undefined) !== (period === undefined))
    return limit === undefined
      ? "period says over what time, and limit is missing: how many"
      : "limit says how many, and period is missing: over what time";
  const rates = ratesOf(limits);
  if (rates.length === 0) {
    if (burstSize !== undefined)
      return "burstSize is of a rate, and there is none: add maxPerSecond, maxPerMinute, or limit and period";
    if (maxConcurrent === undefined)
      return "no limit is given: one of maxConcurrent, maxPerSecond, maxPerMinute, or limit and period";
  }
  return rates.map(problemOfRate).find((problem) => problem !== undefined);
}

function problemOfRate({ unitMs, burst }: RateRule): string | undefined {
  if (unitMs < LEAST_UNIT_MS) return "more than 1,000,000 a second are not counted apart";
  if (unitMs * burst <= MOST_MS) return undefined;
  return `a burst of ${burst} takes ${formatDuration(unitMs * burst)} to come back; at most 100 years are counted`;
}

/**
 * Limits laid over others. Rates replace all rates, places replace places; what is not given stays, the burst also.
 *
 * @param base - as defined
 * @param over - for some key, or set at run time
 */
export function layOver(base: Limits, over: Limits): Limits {
  const rates = hasRates(over) ? over : base;
  return Object.freeze({
    maxConcurrent: over.maxConcurrent ?? base.maxConcurrent,
    maxPerSecond: rates.maxPerSecond,
    maxPerMinute: rates.maxPerMinute,
    limit: rates.limit,
    period: rates.period,
    burstSize: over.burstSize ?? base.burstSize,
  });
}

/** Limits for people: `100/1s, burst 20, 5 at once`. */
export function describeLimits(limits: Limits): string {
  const { maxConcurrent, maxPerSecond, maxPerMinute, limit, period, burstSize } = limits;
  const parts = [
    maxPerSecond === undefined ? undefined : `${maxPerSecond} a second`,
    maxPerMinute === undefined ? undefined : `${maxPerMinute} a minute`,
    limit === undefined || period === undefined
      ? undefined
      : `${limit} in ${formatDuration(parseDuration(period, "period"))}`,
    burstSize === undefined ? undefined : `burst ${burstSize}`,
    maxConcurrent === undefined ? undefined : `${maxConcurrent} at once`,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}

function hasRates({ maxPerSecond, maxPerMinute, limit }: Limits): boolean {
  return maxPerSecond !== undefined || maxPerMinute !== undefined || limit !== undefined;
}

function rulesOf(limits: Limits): NamedRule[] {
  const { maxConcurrent } = limits;
  const rates = ratesOf(limits).map((rule, at) => ({ suffix: rateSuffix(at), rule }));
  if (maxConcurrent === undefined) return rates;
  return [{ suffix: `#${PLACES}`, rule: { kind: "places", capacity: maxConcurrent } }, ...rates];
}

function rateSuffix(at: number): string {
  return at === 0 ? "" : `#${at + 1}`;
}

function ratesOf({ maxPerSecond, maxPerMinute, limit, period, burstSize }: Limits): RateRule[] {
  const rates: RateRule[] = [];
  const add = (units: number | undefined, periodMs: number) => {
    if (units === undefined) return;
    const burst = burstSize ?? Math.max(1, Math.floor(units));
    rates.push({ kind: "rate", unitMs: periodMs / units, burst });
  };
  add(maxPerSecond, SECOND_MS);
  add(maxPerMinute, MINUTE_MS);
  if (period !== undefined) add(limit, parseDuration(period, "period"));
  return rates;
}
