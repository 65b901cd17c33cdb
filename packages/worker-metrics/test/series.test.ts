import { describe, expect, it } from "vitest";
import { SeriesTable } from "../src/series.ts";

const table = (labelNames: readonly string[], limit = 1_000) => {
  let overflows = 0;
  const series = new SeriesTable<{ value: number }>({
    metric: "m",
    labelNames,
    create: () => ({ value: 0 }),
    limit: () => limit,
    onOverflow: () => {
      overflows += 1;
    },
  });
  return { series, overflows: () => overflows };
};

describe("SeriesTable", () => {
  it("keeps one value for each combination", () => {
    const { series } = table(["a", "b"]);
    series.cell({ a: "1", b: "2" }).value += 1;
    series.cell({ b: "2", a: "1" }).value += 1;
    series.cell({ a: "2", b: "1" }).value += 5;
    expect(series.series).toEqual([
      { labels: { a: "1", b: "2" }, cell: { value: 2 } },
      { labels: { a: "2", b: "1" }, cell: { value: 5 } },
    ]);
  });

  it("takes a number and its text for one value, and a missing label for an empty one", () => {
    const { series } = table(["a"]);
    expect(series.cell({ a: 1 })).toBe(series.cell({ a: "1" }));
    expect(series.cell({})).toBe(series.cell({ a: "" }));
    expect(series.cell(undefined)).toBe(series.cell({ a: undefined as unknown as string }));
  });

  it("has one value where there are no labels", () => {
    const { series } = table([]);
    expect(series.cell(undefined)).toBe(series.cell({}));
    expect(series.series).toHaveLength(1);
  });

  it("refuses a label that the metric does not have", () => {
    expect(() => table(["a"]).series.cell({ a: "1", z: "2" })).toThrow(
      'metric "m": got the label "z"; it has a',
    );
    expect(() => table([]).series.cell({ z: "2" })).toThrow("it has none");
  });

  it("sends combinations beyond the limit to other, and counts them", () => {
    const { series, overflows } = table(["a", "b"], 2);
    for (const a of ["1", "2", "3", "4", "3"]) series.cell({ a, b: "x" }).value += 1;
    series.cell({ a: "1", b: "x" }).value += 1;
    expect(overflows()).toBe(3);
    expect(series.series.map(({ labels, cell }) => [labels.a, labels.b, cell.value])).toEqual([
      ["1", "x", 2],
      ["2", "x", 1],
      ["other", "other", 3],
    ]);
  });

  it("does not list other twice when a real combination has that name", () => {
    const { series } = table(["a"], 1);
    series.cell({ a: "other" }).value += 1;
    series.cell({ a: "1" }).value += 1;
    expect(series.series).toEqual([{ labels: { a: "other" }, cell: { value: 2 } }]);
  });

  it("cuts values that are too long", () => {
    const { series } = table(["a"]);
    expect(series.cell({ a: "x".repeat(1_000_000) })).toBe(series.cell({ a: "x".repeat(200) }));
    expect(series.series[0]?.labels.a).toHaveLength(200);
  });

  it("takes names of Object.prototype for values as any other", () => {
    const { series } = table(["a"]);
    series.cell({ a: "__proto__" }).value += 1;
    series.cell({ a: "constructor" }).value += 2;
    expect(series.series.map(({ labels, cell }) => [labels.a, cell.value])).toEqual([
      ["__proto__", 1],
      ["constructor", 2],
    ]);
  });

  it("starts anew when it is cleared", () => {
    const { series } = table(["a"]);
    const before = series.cell({ a: "1" });
    series.clear();
    expect(series.series).toEqual([]);
    expect(series.cell({ a: "1" })).not.toBe(before);
  });
});
