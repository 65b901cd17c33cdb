import type { ExplainInput } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { describeWait } from "../src/describe.ts";
import { explainLimits } from "../src/explain.ts";
import { bucketsOf, type Limits } from "../src/limits.ts";
import type { PlaceInLine } from "../src/store.ts";

const since = new Date("2026-01-01T10:00:00Z");
const turnAt = new Date("2026-01-01T10:05:00Z");
const place = (more: Partial<PlaceInLine>): PlaceInLine => ({
  limiter: "stripe",
  key: "acme",
  before: 12,
  since,
  turnAt,
  ...more,
});
const input = (rateLimit: unknown, locked_at: Date | null = null) =>
  ({
    job: { id: "7", locked_at },
    labels: {},
    task: { identifier: "send", options: { rateLimit } },
  }) as unknown as ExplainInput;

/** A store that has these places of job 7, and counts how often it is asked. */
function storeOf(places: readonly PlaceInLine[]) {
  const asked: string[] = [];
  const inLine = async (id: string) => {
    asked.push(id);
    return places;
  };
  return { asked, store: { inLine } };
}

describe("explainLimits", () => {
  it("names limiter, key, place in line, since when and until when", async () => {
    const { store, asked } = storeOf([place({ limiter: "stripe#2" })]);
    expect(await explainLimits(input("stripe"), store)).toEqual({
      code: "RATE_LIMITED",
      message:
        'limiter "stripe" (key "acme"): 12 are before it in line since 2026-01-01T10:00:00.000Z; its turn is at 2026-01-01T10:05:00.000Z',
      blocking: true,
      until: turnAt,
    });
    expect(asked).toEqual(["7"]);
  });

  it("does not foretell when a place is free", async () => {
    const { store } = storeOf([
      place({ limiter: "send#places", key: "", before: 0, turnAt: undefined }),
    ]);
    expect(await explainLimits(input("send"), store)).toEqual({
      code: "CONCURRENCY_LIMITED",
      message:
        'limiter "send": it is the first in line since 2026-01-01T10:00:00.000Z; it starts when a place is free',
      blocking: true,
    });
  });

  it("goes by the line that it leaves last", async () => {
    const late = new Date(turnAt.getTime() + 1);
    const places = [place({}), place({ limiter: "slow", turnAt: late }), place({ limiter: "b" })];
    const told = await explainLimits(input("stripe"), storeOf(places).store);
    expect(told).toMatchObject({ until: late });
    expect(told?.message).toMatch(/^limiter "slow".*; it also waits in 2 other lines$/);
    const open = [...places, place({ limiter: "c#places", turnAt: undefined })];
    expect(await explainLimits(input("stripe"), storeOf(open).store)).not.toHaveProperty("until");
  });

  it("is silent, without asking, of a job that runs and of a task without limiters", async () => {
    const { store, asked } = storeOf([place({})]);
    expect(await explainLimits(input("stripe", since), store)).toBeUndefined();
    expect(await explainLimits(input(undefined), store)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it("is silent of a job in no line, and asks for one of a task that is not known", async () => {
    expect(await explainLimits(input("stripe"), storeOf([]).store)).toBeUndefined();
    const { store, asked } = storeOf([place({})]);
    await explainLimits({ ...input("stripe"), task: undefined }, store);
    expect(asked).toEqual(["7"]);
  });
});

describe("describeWait", () => {
  const first = (limits: Limits, inMs?: number) => {
    const [bucket] = bucketsOf("stripe", "acme", limits);
    if (bucket === undefined) throw new Error("no bucket");
    return describeWait(bucket, inMs);
  };

  it("says what is over, and when its turn is", () => {
    expect(first({ maxPerSecond: 100 }, 2_500)).toBe(
      'limiter "stripe" (key "acme"): over 100 a second, burst 100; its turn is in 2.5s',
    );
    expect(first({ maxPerMinute: 6 })).toBe(
      'limiter "stripe" (key "acme"): over one in 10s, burst 6',
    );
    expect(first({ maxConcurrent: 5 })).toBe(
      'limiter "stripe" (key "acme"): all 5 places are taken; it starts when one is free',
    );
  });
});
