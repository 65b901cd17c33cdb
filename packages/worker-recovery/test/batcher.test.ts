import { describe, expect, it } from "vitest";
import { batched } from "../src/batcher.ts";

describe("batched", () => {
  it("does calls of one tick together, and those that come meanwhile in the next batch", async () => {
    const flushed: number[][] = [];
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const add = batched<number>(async (items) => {
      flushed.push([...items]);
      if (flushed.length === 1) await gate;
    });
    const first = [add(1), add(2)];
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const second = [add(3), add(4)];
    open();
    await Promise.all([...first, ...second]);
    expect(flushed).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it("tells everybody of a batch that failed, and goes on with the next", async () => {
    let fails = true;
    const add = batched<number>(async () => {
      if (fails) throw new Error("away");
    });
    const results = await Promise.allSettled([add(1), add(2)]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    fails = false;
    await expect(add(3)).resolves.toBeUndefined();
  });
});
