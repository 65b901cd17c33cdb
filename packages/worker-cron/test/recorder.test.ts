import { describe, expect, it } from "vitest";
import type { RunReport } from "../src/postgres-ledger.ts";
import { Recorder } from "../src/recorder.ts";

const report = (slot: number, status: RunReport["status"]): RunReport => ({
  key: "k",
  slot,
  status,
  error: null,
  attempt: 1,
});

describe("Recorder", () => {
  it("writes what comes in one tick, and meanwhile, in one statement each", async () => {
    const written: string[][] = [];
    const gate = Promise.withResolvers<void>();
    const recorder = new Recorder({
      async write(reports) {
        written.push(reports.map(({ slot, status }) => `${slot} ${status}`));
        if (written.length === 1) await gate.promise;
      },
      onError: () => {},
    });
    recorder.note(report(1, "started"));
    recorder.note(report(2, "started"));
    await Promise.resolve();
    await expect.poll(() => written.length).toBe(1);
    recorder.note(report(3, "started"));
    const ended = recorder.record(report(3, "succeeded"));
    const other = recorder.record(report(1, "succeeded"));
    gate.resolve();
    await Promise.all([ended, other]);
    expect(written).toEqual([
      ["1 started", "2 started"],
      ["3 succeeded", "1 succeeded"],
    ]);
  });

  it("tells whoever waits of a failure, or else onError, and goes on", async () => {
    const errors: unknown[] = [];
    let isDown = true;
    const recorder = new Recorder({
      async write() {
        if (isDown) throw new Error("down");
      },
      onError: (error) => errors.push(error),
    });
    recorder.note(report(1, "started"));
    await expect(recorder.record(report(1, "succeeded"))).rejects.toThrow("down");
    expect(errors).toHaveLength(1);
    isDown = false;
    await recorder.record(report(2, "succeeded"));
    await recorder.settle();
  });
});
