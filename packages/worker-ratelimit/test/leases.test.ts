import { createFakeClock } from "@oppulence/worker-testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Leases } from "../src/leases.ts";
import type { Bucket, Demand, Refund } from "../src/store.ts";

const bucket: Bucket = {
  limiter: "stripe",
  key: "",
  rule: { kind: "rate", unitMs: 1, burst: 1_000 },
};
const demand = (units = 1, of: Bucket = bucket): Demand => ({ bucket: of, units, lease: 0 });

function leases() {
  const clock = createFakeClock();
  const refunds: Refund[] = [];
  const ahead: number[] = [];
  const made = new Leases({
    clock,
    onUnused: (refund) => refunds.push(refund),
    onLow: (_, units) => ahead.push(units),
  });
  return { clock, refunds, ahead, leases: made };
}

const grant = { demand: 0, units: 5, forMs: 200, grantedAt: 7, line: undefined };

describe("Leases", () => {
  it("lets go what it covers, and no more", () => {
    const { leases: mine, clock } = leases();
    expect(mine.use("1", [demand()])).toBeUndefined();
    mine.add(bucket, grant, clock.now());
    expect(mine.use("1", [demand(4)])).toMatchObject({ started: [], waitedMs: undefined });
    expect(mine.use("2", [demand(2)])).toBeUndefined();
    expect(mine.use("2", [demand(1)])).toBeDefined();
    expect(mine.use("3", [demand(1)])).toBeUndefined();
  });

  it("ends when its time is over, counted from when it was asked for, and gives back what is left", async () => {
    const { leases: mine, clock, refunds } = leases();
    const askedAt = clock.now();
    await clock.advance("150ms");
    mine.add(bucket, grant, askedAt);
    expect(mine.use("1", [demand()])).toBeDefined();
    await clock.advance("50ms");
    expect(mine.use("2", [demand()])).toBeUndefined();
    await clock.advance("100ms");
    expect(refunds).toEqual([{ bucket, units: 4, grantedAt: 7 }]);
  });

  it("wants nothing beside the first few, then four times as many, or a hundredth of the burst at the pace of use", () => {
    const large: Bucket = { ...bucket, rule: { kind: "rate", unitMs: 0.001, burst: 1_000_000 } };
    for (const [of, then] of [
      [bucket, 4 * 16],
      [large, (16 / 2) * 200],
    ] as const) {
      const { leases: mine } = leases();
      const wanted = Array.from({ length: 16 }, () => mine.wanted(demand(1, of)));
      expect(wanted).toEqual([...Array(15).fill(0), then]);
    }
  });

  it("lets only those in line go for whom it was granted, each once, and says how long they waited", async () => {
    const { leases: mine, clock } = leases();
    const line = [{ id: "1", waitedMs: 900 }];
    mine.add(bucket, { ...grant, line }, clock.now());
    expect(mine.use("2", [demand()])).toBeUndefined();
    await clock.advance("100ms");
    expect(mine.use("1", [demand()])).toEqual({ started: [{ bucket, id: "1" }], waitedMs: 1_000 });
    expect(mine.use("1", [demand()])).toBeUndefined();
  });

  it("takes nothing of one limiter where the other has nothing", () => {
    const { leases: mine, clock } = leases();
    const other: Bucket = { ...bucket, limiter: "other" };
    mine.add(bucket, grant, clock.now());
    expect(mine.use("1", [demand(3), demand(1, other)])).toBeUndefined();
    mine.add(other, { ...grant, units: 1 }, clock.now());
    expect(mine.use("1", [demand(3), demand(1, other)])).toBeDefined();
    expect(mine.use("2", [demand(3)])).toBeUndefined();
    expect(mine.use("2", [demand(2)])).toBeDefined();
  });

  it("is void once the limit has changed", () => {
    const { leases: mine, clock } = leases();
    mine.add(bucket, grant, clock.now());
    const lowered: Bucket = { ...bucket, rule: { kind: "rate", unitMs: 2, burst: 1_000 } };
    expect(mine.use("1", [demand(1, lowered)])).toBeUndefined();
  });

  it("asks for what is used, nothing for a single use, and nothing of a short burst", async () => {
    const { leases: mine, clock } = leases();
    expect(mine.wanted(demand())).toBe(0);
    await clock.advance("100ms");
    expect(mine.wanted(demand(49))).toBe(100);
    const short: Bucket = { ...bucket, rule: { kind: "rate", unitMs: 10, burst: 10 } };
    mine.wanted(demand(1, short));
    await clock.advance("100ms");
    expect(mine.wanted(demand(10, short))).toBe(0);
  });

  it("asks ahead once a lease is half used, for what will be used, less what is left", async () => {
    const { leases: mine, clock, ahead } = leases();
    mine.wanted(demand(100));
    await clock.advance("50ms");
    mine.add(bucket, { ...grant, units: 200 }, clock.now());
    for (let n = 0; n < 99; n++) mine.use(`${n}`, [demand()]);
    expect(ahead).toEqual([]);
    for (let n = 0; n < 50; n++) mine.use(`${n}`, [demand()]);
    expect(ahead).toEqual([700]);
  });

  it("gives back everything when it stops", () => {
    const { leases: mine, clock, refunds } = leases();
    mine.add(bucket, grant, clock.now());
    mine.add(bucket, { ...grant, units: 2, grantedAt: 8 }, clock.now());
    mine.stop();
    expect(refunds.map(({ units }) => units)).toEqual([5, 2]);
    expect(mine.use("1", [demand()])).toBeUndefined();
  });

  it("uses and gives back together exactly what was granted", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("grant" as const), units: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ kind: fc.constant("use" as const), units: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 300 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { leases: mine, clock, refunds } = leases();
        let granted = 0;
        let used = 0;
        for (const each of steps) {
          if (each.kind === "grant") {
            granted += each.units;
            mine.add(bucket, { ...grant, units: each.units }, clock.now());
          } else if (each.kind === "use") {
            if (mine.use("1", [demand(each.units)]) !== undefined) used += each.units;
          } else await clock.advance(`${each.ms}ms`);
        }
        mine.stop();
        expect(used + refunds.reduce((sum, { units }) => sum + units, 0)).toBe(granted);
      }),
    );
  });
});
