import { describe, expect, it } from "vitest";
import { describeLimits, type Limits } from "../src/limits.ts";
import { Overrides } from "../src/overrides.ts";
import type { Override } from "../src/store.ts";

const set = (limiter: string, key: string | null, limits: unknown): Override => ({
  limiter,
  key,
  limits,
  actor: "ada",
  reason: "incident",
  setAt: new Date(0),
});
const base: Limits = { maxPerSecond: 100, maxConcurrent: 5 };
const over = (overrides: Overrides, limiter = "stripe", key = "acme", below = base) =>
  describeLimits(overrides.over(limiter, key, below));

describe("Overrides", () => {
  it("leaves limits of which nothing is set as they are", () => {
    const overrides = new Overrides();
    overrides.replace([set("other", null, { maxPerSecond: 1 })]);
    expect(overrides.over("stripe", "acme", base)).toBe(base);
  });

  it("lays what is set for a key over what is set for every key", () => {
    const overrides = new Overrides();
    const problems = overrides.replace([
      set("stripe", "acme", { maxConcurrent: 1 }),
      set("stripe", null, { maxPerMinute: 30, maxConcurrent: 3 }),
    ]);
    expect(problems).toEqual([]);
    expect(over(overrides)).toBe("30 a minute, 1 at once");
    expect(over(overrides, "stripe", "globex")).toBe("30 a minute, 3 at once");
  });

  it("gives the same object for the same limits, so that rules are read once", () => {
    const overrides = new Overrides();
    overrides.replace([set("stripe", null, { maxPerSecond: 1 })]);
    expect(overrides.over("stripe", "a", base)).toBe(overrides.over("stripe", "b", base));
  });

  it("forgets what is not set any more", () => {
    const overrides = new Overrides();
    overrides.replace([set("stripe", null, { maxPerSecond: 1 })]);
    overrides.replace([]);
    expect(overrides.over("stripe", "acme", base)).toBe(base);
    expect(overrides.list).toEqual([]);
  });

  it.each([
    null,
    "100",
    {},
    { maxPerSecond: 0 },
    { maxPerSecond: Number.NaN },
    { maxPerSecond: 1e12 },
    { maxPerFortnight: 1 },
    { limit: 1 },
  ])("passes over %o, and says so", (limits) => {
    const overrides = new Overrides();
    const problems = overrides.replace([
      set("stripe", "acme", limits),
      set("stripe", null, { maxConcurrent: 2 }),
    ]);
    expect(problems).toEqual([
      expect.stringContaining('limits of "stripe", key "acme" that were set at run time'),
    ]);
    expect(over(overrides)).toBe("100 a second, 2 at once");
    expect(overrides.list).toHaveLength(2);
  });

  it("passes over a part that does not go with the limits below", () => {
    const overrides = new Overrides();
    overrides.replace([set("stripe", null, { burstSize: 5 })]);
    expect(over(overrides, "stripe", "", { maxConcurrent: 1 })).toBe("1 at once");
  });
});
