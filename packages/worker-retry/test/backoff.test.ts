import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { delayMs, type Jitter, type ResolvedBackoff } from "../src/backoff.ts";

const HOUR = 3_600_000;
type Exponential = Extract<ResolvedBackoff, { type: "exponential" }>;

const exponential = (over: Partial<Exponential> = {}): Exponential => ({
  type: "exponential",
  baseMs: 1_000,
  factor: 2,
  capMs: HOUR,
  jitter: "none",
  ...over,
});

const anyBackoff = (jitter: Jitter) =>
  fc
    .record({
      baseMs: fc.integer({ min: 0, max: 24 * HOUR }),
      factor: fc.double({ min: 1, max: 100, noNaN: true }),
      capMs: fc.integer({ min: 0, max: 365 * 24 * HOUR }),
    })
    .map((over) => exponential({ ...over, jitter }));
const anyAttempt = fc.integer({ min: 1, max: 32_767 });
const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const never = () => Number.NaN;

describe("delayMs", () => {
  it("doubles up to the cap", () => {
    const delays = [1, 2, 3, 4, 11, 12, 13, 32_767].map((attempt) =>
      delayMs(exponential(), attempt, never),
    );
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 1_024_000, 2_048_000, HOUR, HOUR]);
  });

  it("never goes down from attempt to attempt, and never above the cap", () => {
    fc.assert(
      fc.property(anyBackoff("none"), anyAttempt, (backoff, attempt) => {
        const now = delayMs(backoff, attempt, never);
        const next = delayMs(backoff, attempt + 1, never);
        expect(now).toBeGreaterThanOrEqual(0);
        expect(next).toBeGreaterThanOrEqual(now);
        expect(next).toBeLessThanOrEqual(backoff.capMs);
      }),
    );
  });

  it.each([
    ["full", 0],
    ["equal", 0.5],
  ] as const)("spreads %s jitter from %f of the delay to the whole", (jitter, least) => {
    fc.assert(
      fc.property(anyBackoff(jitter), anyAttempt, anyRandom, (backoff, attempt, random) => {
        const whole = delayMs({ ...backoff, jitter: "none" }, attempt, never);
        const delay = delayMs(backoff, attempt, () => random);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(whole * least) - 1);
        expect(delay).toBeLessThanOrEqual(whole + 1);
        expect(Number.isSafeInteger(delay)).toBe(true);
      }),
    );
  });

  it("reaches both ends of the jitter's range", () => {
    const almostOne = 1 - Number.EPSILON;
    const ends = (jitter: Jitter) =>
      [0, almostOne].map((random) => delayMs(exponential({ jitter }), 4, () => random));
    expect(ends("full")).toEqual([0, 8_000]);
    expect(ends("equal")).toEqual([4_000, 8_000]);
    expect(ends("none")).toEqual([8_000, 8_000]);
  });

  it("takes a list in order, and repeats its last one", () => {
    const backoff: ResolvedBackoff = { type: "list", delaysMs: [5, 10, 20] };
    expect([1, 2, 3, 4, 100].map((attempt) => delayMs(backoff, attempt, never))).toEqual([
      5, 10, 20, 20, 20,
    ]);
  });

  it("keeps a fixed delay, with jitter if asked", () => {
    const fixed: ResolvedBackoff = { type: "fixed", delayMs: 100, jitter: "none" };
    expect([1, 9].map((attempt) => delayMs(fixed, attempt, never))).toEqual([100, 100]);
    expect(delayMs({ ...fixed, jitter: "equal" }, 1, () => 0.5)).toBe(75);
  });
});
