import { describe, expect, it } from "vitest";
import { obey, report, SETTLE_MS } from "../src/machine.ts";
import type { DependencyOptions } from "../src/options.ts";
import { endProbe, freeProbes, takeProbe } from "../src/probes.ts";
import { type CircuitRecord, initialRecord } from "../src/record.ts";
import { toSettings } from "../src/settings.ts";
import { bucketStart, type Tally, tallyOf } from "../src/window.ts";

const T = 1_800_000_000_000;

/** A circuit that is driven by hand. */
function circuitOf(options: DependencyOptions = {}) {
  const settings = toSettings(options);
  let record: CircuitRecord = initialRecord(T);
  return {
    settings,
    get record() {
      return record;
    },
    tell(now: number, tally: Partial<Tally>, failure = {}, generation = record.generation) {
      const bucket = { calls: 0, failed: 0, slow: 0, ...tally };
      const buckets = [{ at: bucketStart(now, settings.window), ...bucket }];
      const said = { message: "boom", retry: undefined, ...failure };
      record = report(
        record,
        settings,
        { generation, buckets, failure: bucket.failed > 0 ? said : undefined },
        now,
      );
      return record;
    },
    take(now: number, id: string) {
      record = takeProbe(record, settings, id, now);
      return record.probes.some((probe) => probe.id === id);
    },
    end(now: number, id: string, verdict: "succeeded" | "failed" | "returned") {
      const failure = verdict === "failed" ? { message: "still", retry: undefined } : undefined;
      record = endProbe(record, settings, { id, verdict, failure }, now);
      return record;
    },
    force(now: number, state: "closed" | "forced-open" | "forced-closed" | "metrics-only") {
      record = obey(record, settings, { state, reason: "by hand", actor: "ada" }, now);
      return record;
    },
  };
}

describe("a circuit", () => {
  it("opens at so many failures within the window, not before", () => {
    const circuit = circuitOf({ failureThreshold: 3, resetTimeout: "10s" });
    expect(circuit.tell(T, { calls: 2, failed: 2 }).state).toBe("closed");
    const open = circuit.tell(T + 1, { calls: 1, failed: 1 });
    expect(open).toMatchObject({
      state: "open",
      openings: 1,
      probeAt: T + 1 + 10_000,
      lastError: "boom",
      reason: "3 failures within 1m",
    });
  });

  it("forgets failures that are older than the window", () => {
    const circuit = circuitOf({ failureThreshold: 3, window: { time: "10s" } });
    circuit.tell(T, { calls: 2, failed: 2 });
    expect(circuit.tell(T + 10_001, { calls: 1, failed: 1 }).state).toBe("closed");
    expect(tallyOf(circuit.record.window).failed).toBe(1);
  });

  it("counts among the last calls", () => {
    const circuit = circuitOf({ failureThreshold: 3, window: { calls: 5 } });
    circuit.tell(T, { calls: 2, failed: 2 });
    circuit.tell(T, { calls: 5 });
    expect(circuit.tell(T, { calls: 2, failed: 2 }).state).toBe("closed");
    expect(circuit.tell(T, { calls: 1, failed: 1 }).state).toBe("open");
  });

  it("opens by rate once enough calls are known, and other processes have had time to tell of theirs", () => {
    const circuit = circuitOf({ failureThreshold: { rate: 0.5, minimumCalls: 4 } });
    expect(circuit.tell(T, { calls: 3, failed: 3 }).state).toBe("closed");
    expect(circuit.tell(T, { calls: 1, failed: 1 }).state).toBe("closed");
    expect(circuit.tell(T + SETTLE_MS, {}).state).toBe("open");
    const shared = circuitOf({ failureThreshold: { rate: 0.5, minimumCalls: 4 } });
    shared.tell(T, { calls: 4, failed: 4 });
    shared.tell(T + 100, { calls: 10 });
    expect(shared.tell(T + SETTLE_MS, {}).state).toBe("closed");
  });

  it("opens by slow calls at a rate of their own", () => {
    const options = { slowCallDuration: "1s", slowCallRate: { rate: 0.5, minimumCalls: 4 } };
    const circuit = circuitOf(options);
    circuit.tell(T, { calls: 4, slow: 1 });
    circuit.tell(T + SETTLE_MS, { calls: 2, slow: 2 });
    expect(circuit.record).toMatchObject({
      state: "open",
      reason: "3 of 6 calls were slow within 1m",
    });
  });

  it("passes over outcomes of calls from before it opened, but for how long to wait", () => {
    const circuit = circuitOf({ failureThreshold: 1, resetTimeout: "10s" });
    circuit.tell(T, { calls: 1, failed: 1 });
    const open = circuit.record;
    expect(circuit.tell(T + 1, { calls: 9, failed: 9 }, {}, 1)).toBe(open);
    circuit.tell(T + 2, { calls: 1, failed: 1 }, { retry: { afterMs: 60_000 } }, 1);
    expect(circuit.record.probeAt).toBe(T + 2 + 60_000);
    circuit.tell(T + 3, { calls: 1, failed: 1 }, { retry: { afterMs: 1 } }, 1);
    expect(circuit.record.probeAt).toBe(T + 2 + 60_000);
  });

  it("stays open for as long as the dependency asks, at most a day", () => {
    const circuit = circuitOf({ failureThreshold: 1, resetTimeout: "10s" });
    circuit.tell(T, { calls: 1, failed: 1 }, { retry: { afterMs: 2_000 } });
    expect(circuit.record.probeAt).toBe(T + 2_000);
    const far = circuitOf({ failureThreshold: 1 });
    far.tell(T, { calls: 1, failed: 1 }, { retry: { at: T * 2 } });
    expect(far.record.probeAt).toBe(T + 86_400_000);
  });

  it("grants as many probes as it may, when it may", () => {
    const circuit = circuitOf({ failureThreshold: 1, resetTimeout: "10s", halfOpenRequests: 2 });
    circuit.tell(T, { calls: 1, failed: 1 });
    expect(circuit.take(T + 9_999, "early")).toBe(false);
    expect(freeProbes(circuit.record, circuit.settings, T + 10_000)).toBe(2);
    expect(circuit.take(T + 10_000, "a")).toBe(true);
    expect(circuit.record.state).toBe("half-open");
    expect(circuit.take(T + 10_000, "b")).toBe(true);
    expect(circuit.take(T + 10_000, "c")).toBe(false);
    expect(circuit.end(T + 10_001, "a", "succeeded").state).toBe("half-open");
    expect(circuit.take(T + 10_001, "c")).toBe(false);
    expect(circuit.end(T + 10_002, "b", "succeeded")).toMatchObject({
      state: "closed",
      openings: 0,
    });
  });

  it("opens again when a probe fails, for longer each time", () => {
    const resetTimeout = { initial: "10s", factor: 3, max: "60s" };
    const circuit = circuitOf({ failureThreshold: 1, resetTimeout });
    circuit.tell(T, { calls: 1, failed: 1 });
    let now = T;
    const waits = [1, 2, 3].map((n) => {
      now = circuit.record.probeAt ?? 0;
      circuit.take(now, `p${n}`);
      return (circuit.end(now, `p${n}`, "failed").probeAt ?? 0) - now;
    });
    expect(waits).toEqual([30_000, 60_000, 60_000]);
    expect(circuit.record).toMatchObject({ reason: "a probe failed", lastError: "still" });
  });

  it("has a probe's place again when it is returned, or its lease is over", () => {
    const circuit = circuitOf({ failureThreshold: 1, resetTimeout: "1s", maxHalfOpenWait: "5s" });
    circuit.tell(T, { calls: 1, failed: 1 });
    circuit.take(T + 1_000, "a");
    circuit.end(T + 1_001, "a", "returned");
    expect(circuit.take(T + 1_001, "b")).toBe(true);
    expect(circuit.take(T + 7_000, "c")).toBe(false);
    expect(circuit.take(T + 7_002, "c")).toBe(true);
    const before = circuit.record;
    expect(circuit.end(T + 7_003, "b", "failed")).toBe(before);
  });

  it("does what people say, and nothing else until it is reset", () => {
    const circuit = circuitOf({ failureThreshold: 1 });
    expect(circuit.force(T, "forced-open")).toMatchObject({ state: "forced-open", actor: "ada" });
    expect(circuit.take(T + 1e9, "a")).toBe(false);
    circuit.force(T, "forced-closed");
    circuit.tell(T, { calls: 9, failed: 9 });
    expect(circuit.record.state).toBe("forced-closed");
    expect(tallyOf(circuit.record.window).calls).toBe(0);
    circuit.force(T, "metrics-only");
    circuit.tell(T, { calls: 9, failed: 9 });
    expect(circuit.record.state).toBe("metrics-only");
    expect(tallyOf(circuit.record.window).failed).toBe(9);
    circuit.force(T, "closed");
    expect(circuit.tell(T, { calls: 1, failed: 1 }).state).toBe("open");
  });
});
