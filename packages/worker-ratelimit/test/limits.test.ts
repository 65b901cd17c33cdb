import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bucketNames, bucketsOf, describeLimits, layOver, limiterOf } from "../src/limits.ts";

const rates = (limits: Parameters<typeof bucketsOf>[2]) =>
  bucketsOf("stripe", "", limits).map(({ rule }) => rule);

describe("bucketsOf", () => {
  it("has places first, then rates, named by their position", () => {
    const limits = {
      maxConcurrent: 5,
      maxPerSecond: 10,
      maxPerMinute: 300,
      limit: 1_000,
      period: "1h",
    };
    const buckets = bucketsOf("stripe", "acme", limits);
    expect(buckets).toEqual([
      { limiter: "stripe#places", key: "acme", rule: { kind: "places", capacity: 5 } },
      { limiter: "stripe", key: "acme", rule: { kind: "rate", unitMs: 100, burst: 10 } },
      { limiter: "stripe#2", key: "acme", rule: { kind: "rate", unitMs: 200, burst: 300 } },
      { limiter: "stripe#3", key: "acme", rule: { kind: "rate", unitMs: 3_600, burst: 1_000 } },
    ]);
    const names = buckets.map(({ limiter }) => limiter).sort();
    expect(bucketNames("stripe").sort()).toEqual(names);
    for (const bucket of buckets) expect(limiterOf(bucket)).toBe("stripe");
  });

  it("keeps the bucket when a rate gets another unit, or places beside it", () => {
    const names = [
      { maxPerSecond: 1 },
      { maxPerMinute: 1 },
      { limit: 1, period: 5, maxConcurrent: 1 },
    ].map((limits) => bucketsOf("stripe", "", limits).at(-1)?.limiter);
    expect(names).toEqual(["stripe", "stripe", "stripe"]);
  });

  it("takes the limit of one period as the burst, and 1 where that is less", () => {
    expect(rates({ maxPerSecond: 2.5 })).toEqual([{ kind: "rate", unitMs: 400, burst: 2 }]);
    expect(rates({ maxPerSecond: 0.5 })).toEqual([{ kind: "rate", unitMs: 2_000, burst: 1 }]);
    expect(rates({ limit: 3, period: "1m" })).toEqual([{ kind: "rate", unitMs: 20_000, burst: 3 }]);
  });

  it("gives every rate the burst that is given", () => {
    const given = rates({ maxPerSecond: 10, maxPerMinute: 60, burstSize: 4 });
    expect(given).toMatchObject([{ burst: 4 }, { burst: 4 }]);
  });
});

describe("limiterOf", () => {
  it("takes only a rule's part off", () => {
    expect(limiterOf({ limiter: "send/2" })).toBe("send/2");
    expect(limiterOf({ limiter: "a%23places" })).toBe("a%23places");
  });
});

describe("layOver", () => {
  const base = { maxConcurrent: 5, maxPerSecond: 10, burstSize: 3 };

  it("has rates replace all rates, whatever their unit, and keeps the burst and the places", () => {
    expect(describeLimits(layOver(base, { limit: 4, period: "1m" }))).toBe(
      "4 in 1m, burst 3, 5 at once",
    );
  });

  it("has places replace places only", () => {
    expect(describeLimits(layOver(base, { maxConcurrent: 2 }))).toBe(
      "10 a second, burst 3, 2 at once",
    );
  });

  it("is the same laid twice", () => {
    const part = fc.record(
      {
        maxConcurrent: fc.integer({ min: 1, max: 9 }),
        maxPerSecond: fc.integer({ min: 1, max: 9 }),
        maxPerMinute: fc.integer({ min: 1, max: 9 }),
        burstSize: fc.integer({ min: 1, max: 9 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(part, part, (below, above) => {
        const once = layOver(below, above);
        expect(layOver(once, above)).toEqual(once);
        expect(layOver(below, {})).toEqual(layOver({}, below));
      }),
    );
  });
});
