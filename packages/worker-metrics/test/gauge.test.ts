import { describe, expect, it } from "vitest";
import type { NumberCell } from "../src/counter.ts";
import { type Collect, GaugeInstrument } from "../src/gauge.ts";
import { SeriesTable } from "../src/series.ts";

const gauge = (collect: Collect, collectMs = 60_000) => {
  const errors: unknown[] = [];
  const series = new SeriesTable<NumberCell>({
    metric: "g",
    labelNames: ["a"],
    create: () => ({ value: 0 }),
    limit: () => 10,
    onOverflow: () => {},
  });
  const made = new GaugeInstrument({
    name: "g",
    help: "g",
    labelNames: ["a"],
    series,
    collectMs,
    onCollectError: (_, error) => void errors.push(error),
  });
  made.collect = collect;
  const read = async () => (await made.get()).values.map(({ labels, value }) => [labels.a, value]);
  return { gauge: made, read, errors };
};

describe("GaugeInstrument", () => {
  it("samples before each reading", async () => {
    let count = 0;
    const { read } = gauge((g) => g.set(++count, { a: "x" }));
    expect(await read()).toEqual([["x", 1]]);
    expect(await read()).toEqual([["x", 2]]);
  });

  it("waits for a sampling that takes a while", async () => {
    const { read } = gauge(async (g) => {
      await new Promise(setImmediate);
      g.set(1, { a: "x" });
    });
    expect(await read()).toEqual([["x", 1]]);
  });

  it("gives the values from before when a sampling takes too long, and starts no second one", async () => {
    let calls = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const { gauge: made, read } = gauge(async (g) => {
      calls += 1;
      await promise;
      g.set(2, { a: "x" });
    }, 1);
    made.set(1, { a: "x" });
    expect(await read()).toEqual([["x", 1]]);
    expect(await Promise.all([read(), read()])).toEqual([[["x", 1]], [["x", 1]]]);
    expect(calls).toBe(1);
    resolve();
    await promise;
    expect(await read()).toEqual([["x", 2]]);
  });

  it("has no values after a sampling that failed, and tells of the first failure of a row", async () => {
    let fails: "sync" | "async" | "not" = "sync";
    const { read, errors } = gauge((g) => {
      g.set(1, { a: "x" });
      if (fails === "sync") throw new Error("sync");
      if (fails === "async") return Promise.reject(new Error("async"));
      return undefined;
    });
    expect(await read()).toEqual([]);
    fails = "async";
    expect(await read()).toEqual([]);
    expect(errors).toEqual([new Error("sync")]);
    fails = "not";
    expect(await read()).toEqual([["x", 1]]);
    fails = "async";
    await read();
    expect(errors).toHaveLength(2);
  });
});
