import { describe, expect, it } from "vitest";
import { figure, jsonLine, noteLines, table } from "../src/report.ts";
import { toRows } from "../src/results.ts";
import { exampleBench, round } from "./example-bench.ts";

const rows = toRows(exampleBench, [
  round({ bare: 33_403, eight: 31_000, other: 16_196 }),
  round({ bare: 30_000, eight: 25_000, other: 17_000 }),
]);

describe("jsonLine", () => {
  it("is one line that holds the bench and its rows, with these keys and no others", () => {
    const line = jsonLine(exampleBench, rows);
    expect(line).not.toContain("\n");
    const { bench, rows: written } = JSON.parse(line);
    expect(bench).toBe("example");
    expect(written).toHaveLength(4);
    for (const row of written) {
      expect(Object.keys(row)).toEqual(["case", "median", "unit", "ratio", "against"]);
    }
    expect(written[0]).toEqual({
      case: "bare",
      median: 31_701.5,
      unit: "jobs/s",
      ratio: 1,
      against: "bare",
    });
  });
});

describe("table", () => {
  it("shows figures, spread, ratio and what is asked of it", () => {
    expect(`\n${table(rows)}\n`).toBe(`
case         median  unit          min – max  ratio       by round  against  asked
bare         31,702  jobs/s  30,000 – 33,403  1.000  1.000 – 1.000  bare
eight        28,000  jobs/s  25,000 – 31,000  0.883  0.833 – 0.928  bare     ratio ≥ 0.9  MISSED
other        16,598  jobs/s  16,196 – 17,000  0.524  0.485 – 0.567  bare
eight/other  28,000  jobs/s  25,000 – 31,000  1.687  1.471 – 1.914  other    ratio ≥ 1.5  ok
`);
  });
});

describe("noteLines", () => {
  it("has a line for each note", () => {
    const note = { case: "parked", what: "hold", value: 1.7042, unit: "s" };
    expect(noteLines([note])).toBe("parked: hold: 1.7 s");
  });
});

describe("figure", () => {
  it.each([
    [33_403.4, "33,403"],
    [0.001234, "0.00123"],
    [2, "2"],
  ])("writes %d as %s", (value, text) => {
    expect(figure(value)).toBe(text);
  });
});
