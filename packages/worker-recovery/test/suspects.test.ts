import { type Clock, type Job, type RunInput, systemClock } from "@oppulence/worker-core";
import { createFakeClock } from "@oppulence/worker-testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Start } from "../src/postgres-store.ts";
import { Solitary } from "../src/solitary.ts";
import { crashesOf, Suspects } from "../src/suspects.ts";

/** A wait of no time at all. */
const NO_WAIT: Clock = {
  ...systemClock,
  setTimeout: (call) => queueMicrotask(call),
  clearTimeout: () => {},
};

const inputOf = (id: string): RunInput => ({ job: { id, locked_by: "pool-a" } as Job }) as RunInput;

const setUp = (maxCrashes = 3, turnMs = 0) => {
  const clock = createFakeClock();
  const running = new Set<string>();
  let fails = false;
  const fail = (value: boolean) => {
    fails = value;
  };
  const each = (starts: readonly Start[], then: (job: string) => unknown) => {
    if (fails) throw new Error("away");
    for (const { job } of starts) then(job);
  };
  const suspects = new Suspects({
    maxCrashes,
    turnMs,
    clock: turnMs === 0 ? NO_WAIT : clock,
    solitary: new Solitary(),
    store: {
      recordStarts: async (starts) => each(starts, (job) => running.add(job)),
      forgetStarts: async (starts) => each(starts, (job) => running.delete(job)),
    },
  });
  return { suspects, running, fail, clock };
};

const permitOf = async (suspects: Suspects, id: string, crashes: number) => {
  const decision = await suspects.admit(inputOf(id), crashes);
  return decision.kind === "proceed" ? decision.permit : undefined;
};

describe("crashesOf", () => {
  const of = (flags: Job["flags"], labels: Record<string, string> = {}) =>
    crashesOf({ job: { flags }, labels });

  it("is 0 for a job without the label", () => {
    expect(of(null)).toBe(0);
    expect(of({ "tenant=a": true }, { tenant: "a" })).toBe(0);
  });

  it("reads the label, and takes nonsense that a producer wrote for nothing", () => {
    expect(of({}, { crashes: "2" })).toBe(2);
    for (const crashes of ["", "-1", "two", "1e3", "9".repeat(40)])
      expect(of({}, { crashes })).toBe(0);
  });
});

describe("Suspects", () => {
  it("write down that a suspect runs before it does, and forget it when it has ended", async () => {
    const { suspects, running } = setUp();
    const first = await permitOf(suspects, "1", 1);
    const second = await permitOf(suspects, "2", 1);
    expect([...running]).toEqual(["1", "2"]);
    await first?.commit({ kind: "succeeded", result: undefined });
    await second?.rollback();
    expect(running.size).toBe(0);
  });

  it("run one at a time in a process when they are a crash away from the limit", async () => {
    const { suspects } = setUp();
    const first = await permitOf(suspects, "1", 2);
    const waits = await suspects.admit(inputOf("2"), 2);
    expect(waits).toMatchObject({ kind: "defer", reason: { code: "SUSPECT_WAITS" } });
    expect(await permitOf(suspects, "3", 1)).toBeDefined();
    await first?.commit({ kind: "failed", error: undefined, last: false });
    expect(await permitOf(suspects, "2", 2)).toBeDefined();
  });

  it("wait for their turn in their slot for a while, first come, first served", async () => {
    const { suspects, clock } = setUp(3, 1_000);
    const first = await permitOf(suspects, "1", 2);
    const order: string[] = [];
    const later = ["2", "3", "4"].map(async (id) => {
      const decision = await suspects.admit(inputOf(id), 2);
      order.push(`${id} ${decision.kind}`);
      return decision;
    });
    await clock.advance("999ms");
    await first?.commit({ kind: "succeeded", result: undefined });
    const second = await later[0];
    expect(order).toEqual(["2 proceed"]);
    await clock.advance("1ms");
    await Promise.all(later);
    expect(order).toEqual(["2 proceed", "3 defer", "4 defer"]);
    if (second?.kind === "proceed") await second.permit?.rollback();
    expect(await permitOf(suspects, "5", 2)).toBeDefined();
    expect(clock.pending).toBe(0);
  });

  it("do not run when their start cannot be written down, and do not keep the place", async () => {
    const { suspects, fail } = setUp();
    fail(true);
    await expect(suspects.admit(inputOf("1"), 2)).rejects.toThrow("away");
    fail(false);
    expect(await permitOf(suspects, "2", 2)).toBeDefined();
  });

  it("free the place even when the end cannot be written down", async () => {
    const { suspects, fail } = setUp();
    const permit = await permitOf(suspects, "1", 2);
    fail(true);
    await expect(permit?.commit({ kind: "interrupted" })).rejects.toThrow("away");
    fail(false);
    expect(await permitOf(suspects, "2", 2)).toBeDefined();
  });

  it("never let an innocent reach the limit beside one poison pill, whatever the order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 5 }),
        fc.array(fc.array(fc.nat(5), { minLength: 1, maxLength: 6 }), { maxLength: 30 }),
        async (maxCrashes, rounds) => {
          // Job 0 is the pill. In the first crash nobody knows who ran, so everybody has one.
          const crashes = [1, 1, 1, 1, 1, 1];
          for (const order of rounds) {
            const { suspects, running } = setUp(maxCrashes);
            for (const job of [...new Set(order)])
              if ((crashes[job] as number) < maxCrashes)
                await suspects.admit(inputOf(String(job)), crashes[job] as number);
            if (!running.has("0")) continue;
            for (const job of running) crashes[Number(job)] = (crashes[Number(job)] as number) + 1;
          }
          expect(Math.max(...crashes.slice(1))).toBeLessThan(maxCrashes);
        },
      ),
      { numRuns: 300 },
    );
  });
});
