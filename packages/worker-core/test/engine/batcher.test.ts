import { describe, expect, it } from "vitest";
import { createBatcher } from "../../src/index.ts";

describe("createBatcher", () => {
  it("does calls of one tick together, and those that come meanwhile in the next batch", async () => {
    const flushed: number[][] = [];
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const add = createBatcher(async (items: readonly number[]) => {
      flushed.push([...items]);
      if (flushed.length === 1) await gate;
      return items.map((item) => item * 10);
    });
    const first = [add(1), add(2)];
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const second = [add(3), add(4)];
    open();
    expect(await Promise.all([...first, ...second])).toEqual([10, 20, 30, 40]);
    expect(flushed).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it("tells everybody of a batch that failed, and goes on with the next", async () => {
    let fails = true;
    const add = createBatcher(async (items: readonly number[]) => {
      if (fails) throw new Error("away");
      return items;
    });
    const results = await Promise.allSettled([add(1), add(2)]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    fails = false;
    expect(await add(3)).toBe(3);
  });
});
