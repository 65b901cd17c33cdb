import type { Asked, Bench } from "./bench.ts";
import type { CaseNote, Row } from "./results.ts";
import type { Spread } from "./statistics.ts";

const HEAD = ["case", "median", "unit", "min – max", "ratio", "by round", "against", "asked", ""];
const RIGHT = new Set([1, 3, 4, 5]);

/** The result as a table for people. */
export function table(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? "").length)),
  );
  return lines.map((line) => align(line, widths)).join("\n");
}

function cells(row: Row): string[] {
  return [
    row.case,
    figure(row.median),
    row.unit,
    range(row.spread, figure),
    row.ratio === null ? "" : ratio(row.ratio),
    row.ratioSpread === undefined ? "" : range(row.ratioSpread, ratio),
    row.against ?? "",
    row.asked === undefined ? "" : askedText(row.asked, row.unit),
    row.ok === undefined ? "" : row.ok ? "ok" : "MISSED",
  ];
}

function align(line: readonly string[], widths: readonly number[]): string {
  const padded = line.map((text, column) => {
    const width = widths[column] ?? 0;
    return RIGHT.has(column) ? text.padStart(width) : text.padEnd(width);
  });
  return padded.join("  ").trimEnd();
}

function askedText({ what, atLeast, atMost }: Asked, unit: string): string {
  const bound = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  return what === "ratio" ? `ratio ${bound}` : `${bound} ${unit}`;
}

function range({ min, max }: Spread, text: (value: number) => string): string {
  return `${text(min)} – ${text(max)}`;
}

const ratio = (value: number): string => value.toFixed(3);

/** Three significant digits or more: 33,403 and 0.00123. */
export function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

/** What the cases told beside their figures, a line each. */
export function noteLines(notes: readonly CaseNote[]): string {
  return notes
    .map((note) => `${note.case}: ${note.what}: ${figure(note.value)} ${note.unit}`)
    .join("\n");
}

/** The last line of `--json`. */
export function jsonLine(bench: Bench, rows: readonly Row[]): string {
  return JSON.stringify({
    bench: bench.name,
    rows: rows.map(({ case: name, median, unit, ratio, against }) => ({
      case: name,
      median,
      unit,
      ratio,
      against,
    })),
  });
}
