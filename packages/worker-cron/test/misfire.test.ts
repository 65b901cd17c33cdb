import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CronExpression } from "../src/index.ts";
import { planSlots, type SlotPlanInput } from "../src/misfire.ts";

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const start = Date.parse("2026-03-01T00:00:00Z");

const plan = (input: Partial<SlotPlanInput> = {}) =>
  planSlots({
    slots: new CronExpression("* * * * *"),
    due: start,
    now: start + 3 * DAY + 7_000,
    misfire: "once",
    catchUpWindowMs: DAY,
    catchUpCap: 100,
    misfireAfterMs: 30_000,
    retentionMs: 30 * DAY,
    runsLeft: Number.POSITIVE_INFINITY,
    ...input,
  });

describe("planSlots", () => {
  it("fires each slot as long as none has misfired", () => {
    expect(plan({ now: start + 30_000 })).toEqual({
      fire: [start],
      missed: [],
      next: start + MINUTE,
    });
    const slots = new CronExpression("* * * * * *");
    expect(plan({ slots, now: start + 5_500 }).fire).toHaveLength(6);
  });

  it("after three days makes one run, a hundred, or none of a schedule by the minute", () => {
    const all = 3 * 1_440 + 1;
    const last = start + 3 * DAY;
    expect(plan()).toMatchObject({ fire: [last], next: last + MINUTE });
    expect(plan().missed).toHaveLength(all - 1);
    const caught = plan({ misfire: "all" });
    expect(caught.fire).toHaveLength(100);
    expect(caught.fire.at(-1)).toBe(last);
    expect(caught.missed).toHaveLength(all - 100);
    expect(plan({ misfire: "skip" })).toMatchObject({ fire: [], next: last + MINUTE });
    expect(plan({ misfire: "skip" }).missed).toHaveLength(all);
  });

  it("catches up within its window alone", () => {
    expect(plan({ misfire: "all", catchUpWindowMs: 10 * MINUTE }).fire).toHaveLength(10);
  });

  it("fires no more runs than are left", () => {
    expect(plan({ now: start + 1_000, runsLeft: 1 })).toMatchObject({
      fire: [start],
      next: undefined,
    });
    expect(plan({ runsLeft: 0 })).toEqual({ fire: [], missed: [], next: undefined });
  });

  it("goes through a long past in pages that never fire", () => {
    const slots = new CronExpression("* * * * * *");
    let due: number | undefined = start;
    let missed = 0;
    let rounds = 0;
    const now = start + 60_000 * 1_000;
    for (;;) {
      const page = plan({ slots, due, now });
      missed += page.missed.length;
      rounds += 1;
      if (page.fire.length > 0) {
        expect(page.fire).toEqual([now]);
        break;
      }
      due = page.next as number;
    }
    expect(missed).toBe(60_000);
    expect(rounds).toBe(12);
  });

  it("leaves out what the ledger would not keep", () => {
    expect(plan({ retentionMs: DAY }).missed).toHaveLength(1_440 - 1);
  });

  it("accounts for every slot once, whatever the policy", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("once", "all", "skip"),
        fc.integer({ min: 0, max: 5_000 }),
        fc.integer({ min: 1, max: 200 }),
        (misfire, minutes, catchUpCap) => {
          const now = start + minutes * MINUTE;
          const { fire, missed, next } = plan({ misfire, catchUpCap, now });
          const seen = [...fire, ...missed].sort((a, b) => a - b);
          expect(seen).toEqual(Array.from({ length: minutes + 1 }, (_, n) => start + n * MINUTE));
          expect(next).toBe(now + MINUTE);
        },
      ),
      { numRuns: 30 },
    );
  });
});
