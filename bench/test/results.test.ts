import { describe, expect, it } from "vitest";
import { toNotes, toRows } from "../src/results.ts";
import { exampleBench, round } from "./example-bench.ts";

const rounds = [
  round({ bare: 100, eight: 90, other: 50 }),
  round({ bare: 200, eight: 190, other: 100 }),
  round({ bare: 110, eight: 99, other: 60 }),
];

describe("toRows", () => {
  const rows = toRows(exampleBench, rounds);
  const rowOf = (name: string) => rows.find((row) => row.case === name);

  it("has a row for every case and every comparison", () => {
    expect(rows.map((row) => row.case)).toEqual(["bare", "eight", "other", "eight/other"]);
  });

  it("keeps the order of the cases, whichever was measured first", () => {
    const [bare, eight] = toRows(exampleBench, [round({ eight: 1, bare: 1 })]);
    expect([bare?.case, eight?.case]).toEqual(["bare", "eight"]);
  });

  it("compares medians with the base's", () => {
    expect(rowOf("bare")).toMatchObject({ median: 110, ratio: 1, against: "bare" });
    expect(rowOf("eight")).toMatchObject({ median: 99, ratio: 0.9, against: "bare" });
  });

  it("compares a row with a base of its own where it has one", () => {
    const own = { ...exampleBench, bases: { eight: "other" } };
    const [, eight] = toRows(own, rounds);
    expect(eight).toMatchObject({ median: 99, ratio: 1.65, against: "other" });
  });

  it("tells how far the rounds lay apart, in figures and in ratios", () => {
    expect(rowOf("eight")).toMatchObject({
      spread: { min: 90, max: 190 },
      ratioSpread: { min: 0.9, max: 0.95 },
    });
  });

  it("compares with other cases where the bench says so", () => {
    expect(rowOf("eight/other")).toMatchObject({ median: 99, ratio: 1.65, against: "other" });
  });

  it("says whether what is asked is held, and nothing where nothing is asked", () => {
    expect(rows.map(({ ok }) => ok)).toEqual([undefined, true, undefined, true]);
    const slow = toRows(exampleBench, [round({ bare: 100, eight: 89, other: 80 })]);
    expect(slow.map(({ ok }) => ok)).toEqual([undefined, false, undefined, false]);
  });

  it("neither holds nor misses a ratio whose base was not measured", () => {
    const [eight] = toRows(exampleBench, [round({ eight: 90 })]);
    expect(eight).toMatchObject({ ratio: null, against: null, ok: undefined });
  });

  it("takes a figure that is to be small", () => {
    const latency = { ...exampleBench, asked: { eight: { what: "median", atMost: 50 } } } as const;
    expect(toRows(latency, [round({ bare: 1, eight: 51 })])[1]?.ok).toBe(false);
    expect(toRows(latency, [round({ bare: 1, eight: 50 })])[1]?.ok).toBe(true);
  });
});

describe("toNotes", () => {
  it("is the median of each note of each case", () => {
    const noted = [1, 9, 2].map(
      (value) => new Map([["bare", { rows: {}, notes: [{ what: "CPU", value, unit: "µs" }] }]]),
    );
    expect(toNotes(exampleBench, noted)).toEqual([
      { case: "bare", what: "CPU", value: 2, unit: "µs" },
    ]);
  });
});
