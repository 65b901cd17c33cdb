import { type Clock, systemClock } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { DepthSampler } from "../src/depth-sampler.ts";

const sampler = (intervalMs: number) => {
  let now = 1_000_000;
  const reads: PromiseWithResolvers<{ rows: []; exact: boolean }>[] = [];
  const errors: unknown[] = [];
  const clock: Clock = { ...systemClock, now: () => now };
  const made = new DepthSampler({
    clock,
    intervalMs,
    read: () => {
      const read = Promise.withResolvers<{ rows: []; exact: boolean }>();
      reads.push(read);
      return read.promise;
    },
    onError: (error) => void errors.push(error),
  });
  return {
    sampler: made,
    reads,
    errors,
    pass(ms: number) {
      now += ms;
    },
  };
};

const DEPTH: { rows: []; exact: boolean } = { rows: [], exact: true };

describe("DepthSampler", () => {
  it("samples again once the interval has passed", async () => {
    const { sampler: depth, reads, pass } = sampler(10_000);
    const first = depth.sample();
    reads[0]?.resolve(DEPTH);
    expect(await first).toEqual({ ...DEPTH, takenAt: 1_000_000 });
    pass(9_999);
    expect(await depth.sample()).toEqual({ ...DEPTH, takenAt: 1_000_000 });
    pass(1);
    const second = depth.sample();
    reads[1]?.resolve(DEPTH);
    expect(await second).toEqual({ ...DEPTH, takenAt: 1_010_000 });
    expect(reads).toHaveLength(2);
  });

  it("never takes two samples at once, however long one takes", async () => {
    const { sampler: depth, reads, pass } = sampler(10_000);
    const first = depth.sample();
    pass(60_000);
    const second = depth.sample();
    reads[0]?.resolve(DEPTH);
    expect(await Promise.all([first, second])).toHaveLength(2);
    expect(reads).toHaveLength(1);
  });

  it("has no sample while the database fails, asks no more often, and tells once", async () => {
    const { sampler: depth, reads, errors, pass } = sampler(10_000);
    for (const at of [0, 1]) {
      const failed = depth.sample();
      reads[at]?.reject(new Error("away"));
      expect(await failed).toBeUndefined();
      expect(await depth.sample()).toBeUndefined();
      pass(10_000);
    }
    expect(reads).toHaveLength(2);
    expect(errors).toEqual([new Error("away")]);
    const back = depth.sample();
    reads[2]?.resolve(DEPTH);
    expect(await back).toMatchObject(DEPTH);
  });

  it("samples again when the machine's clock was set back", async () => {
    const { sampler: depth, reads, pass } = sampler(10_000);
    void depth.sample();
    reads[0]?.resolve(DEPTH);
    await depth.sample();
    pass(-3_600_000);
    void depth.sample();
    expect(reads).toHaveLength(2);
  });
});
