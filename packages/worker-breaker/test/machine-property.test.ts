import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Operation } from "../src/operations.ts";
import { operate } from "../src/operations.ts";
import type { DependencyOptions } from "../src/options.ts";
import type { CircuitRecord } from "../src/record.ts";
import { toSettings } from "../src/settings.ts";
import { tallyOf } from "../src/window.ts";

const T = 1_800_000_000_000;

const options = fc.record<DependencyOptions>(
  {
    failureThreshold: fc.oneof(
      fc.integer({ min: 1, max: 6 }),
      fc.record({
        rate: fc.constantFrom(0.2, 0.5, 1),
        minimumCalls: fc.integer({ min: 1, max: 8 }),
      }),
    ),
    window: fc.oneof(
      fc.record({ calls: fc.integer({ min: 1, max: 10 }) }),
      fc.record({ time: fc.constantFrom("1s", "10s") }),
    ),
    halfOpenRequests: fc.integer({ min: 1, max: 3 }),
    resetTimeout: fc.constantFrom<NonNullable<DependencyOptions["resetTimeout"]>>("1s", {
      initial: "1s",
      factor: 2,
      max: "5s",
    }),
    maxHalfOpenWait: fc.constantFrom("1s", "3s"),
  },
  { requiredKeys: [] },
);

const failure = fc.option(
  fc.record({
    message: fc.string(),
    retry: fc.option(fc.record({ afterMs: fc.integer({ min: 0, max: 9_000 }) }), {
      nil: undefined,
    }),
  }),
  { nil: undefined },
);
const id = fc.constantFrom("a", "b", "c", "d", "e");
const operation = fc.oneof<fc.Arbitrary<(generation: number, now: number) => Operation>[]>(
  fc
    .record({ ok: fc.nat(5), failed: fc.nat(5), slow: fc.nat(2), late: fc.nat(1), failure })
    .map(({ ok, failed, slow, late, failure: said }) => (generation, now) => {
      const bucket = { at: Math.floor(now / 100) * 100, calls: ok + failed + slow, failed, slow };
      const report = { generation: generation - late, buckets: [bucket], failure: said };
      return { kind: "report", report };
    }),
  id.map((probe) => () => ({ kind: "take-probe", id: probe })),
  fc
    .record({
      id,
      verdict: fc.constantFrom("succeeded" as const, "failed" as const, "returned" as const),
      failure,
    })
    .map((end) => () => ({ kind: "end-probe", end })),
  fc
    .constantFrom(
      "closed" as const,
      "forced-open" as const,
      "forced-closed" as const,
      "metrics-only" as const,
    )
    .map((state) => () => ({
      kind: "obey",
      order: { state, reason: undefined, actor: undefined },
    })),
);

/** From which states a circuit may come to which by itself. */
const BY_ITSELF = new Set(["closed open", "open half-open", "half-open closed", "half-open open"]);

describe("any sequence of operations", () => {
  it("keeps a circuit's promises", () => {
    const steps = fc.array(fc.record({ operation, waitMs: fc.nat(2_000) }), { maxLength: 60 });
    fc.assert(
      fc.property(options, steps, (given, all) => {
        const settings = toSettings(given);
        let now = T;
        let record: CircuitRecord | undefined;
        for (const { operation: make, waitMs } of all) {
          now += waitMs;
          const before = record;
          const wanted = make(before?.generation ?? 1, now);
          const done = operate("x", [wanted], settings, { current: before, known: undefined }, now);
          const after = done.record;
          record = after;
          // Versions and generations only grow; a generation changes with each state, and only then is there a transition.
          if (before !== undefined) {
            expect(after === before || after.version > before.version).toBe(true);
            expect(done.transitions.length).toBe(after.generation - before.generation);
            if (after.state !== before.state) expect(after.generation).toBe(before.generation + 1);
          }
          for (const { from, to } of done.transitions)
            if (wanted.kind !== "obey") expect(BY_ITSELF).toContain(`${from} ${to}`);
          // Never more probes than there may be, and none but in half-open.
          const living = after.probes.filter(({ until }) => until > now);
          expect(living.length + after.passed).toBeLessThanOrEqual(settings.halfOpenRequests);
          if (after.state !== "half-open")
            expect([after.probes.length, after.passed]).toEqual([0, 0]);
          // An open circuit is probed at a known time, not too far away; others are not.
          expect(after.probeAt !== null).toBe(after.state === "open");
          if (after.probeAt !== null) expect(after.probeAt - now).toBeLessThanOrEqual(30_000);
          // A probe is granted when it is time for it only.
          if (wanted.kind === "take-probe" && done.granted[0] === true && before?.state === "open")
            expect(now).toBeGreaterThanOrEqual(before.probeAt ?? Number.POSITIVE_INFINITY);
          // A closed circuit holds fewer failures than its threshold by count.
          if (after.state === "closed" && "count" in settings.failures)
            expect(tallyOf(after.window).failed).toBeLessThan(settings.failures.count);
          if (after.state === "closed" && "calls" in settings.window)
            expect(tallyOf(after.window).calls).toBeLessThanOrEqual(settings.window.calls);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("can be done again on a newer record: it changes nothing that it was given", () => {
    const settings = toSettings({});
    const frozen = Object.freeze(
      operate("x", [], settings, { current: undefined, known: undefined }, T).record,
    );
    const report = {
      generation: 1,
      buckets: [{ at: 0, calls: 5, failed: 5, slow: 0 }],
      failure: undefined,
    };
    const run = () =>
      operate(
        "x",
        [{ kind: "report", report }],
        settings,
        { current: frozen, known: undefined },
        T,
      );
    expect(run()).toEqual(run());
  });
});
