import { type Colors, paintStatus } from "./colors.ts";
import { textOf } from "./text-of.ts";
import { pad, truncate, widthOf } from "./width.ts";

/** A column: a key of the rows, or one that is made from a row for people. */
export type Column =
  | string
  | { readonly key: string; readonly value: (row: Readonly<Record<string, unknown>>) => unknown };

/** How a table is laid out. */
export interface TableLayout {
  /** Columns of the terminal; undefined when the output is not one, and nothing is cut. */
  readonly width: number | undefined;
  readonly colors: Colors;
}

const GAP = "  ";
/** Columns are not cut below this. */
const LEAST_WIDTH = 4;

interface Laid {
  readonly key: string;
  readonly header: string;
  readonly cells: readonly string[];
  readonly align: "left" | "right";
  width: number;
}

/**
 * Lays rows out in columns, without lines between them: what `grep` and `awk` can read too.
 *
 * @returns lines without a line feed at their end
 */
export function layTable(
  rows: readonly Readonly<Record<string, unknown>>[],
  columns: readonly Column[],
  { width, colors }: TableLayout,
): string[] {
  const laid = columns.map((column) => layColumn(rows, column));
  if (width !== undefined) shrink(laid, width);
  const line = (cells: readonly string[], isHeader: boolean) =>
    laid
      .map((column, index) => {
        const text = truncate(cells[index] ?? "", column.width);
        // The last column of a line needs no spaces after it.
        const isLast = index === laid.length - 1 && column.align === "left";
        const padded = isLast ? text : pad(text, column.width, column.align);
        return isHeader
          ? colors.dim(padded)
          : paintStatus(colors, column.key, padded, cells[index] ?? "");
      })
      .join(GAP);
  const header = line(
    laid.map((column) => column.header),
    true,
  );
  const body = rows.map((_, at) =>
    line(
      laid.map(({ cells }) => cells[at] ?? ""),
      false,
    ),
  );
  return [header, ...body];
}

/** Keys of all rows, in the order in which they first occur. */
export function columnsOf(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

function layColumn(rows: readonly Readonly<Record<string, unknown>>[], column: Column): Laid {
  const key = typeof column === "string" ? column : column.key;
  const values = rows.map((row) => (typeof column === "string" ? row[key] : column.value(row)));
  const cells = values.map(textOf);
  const header = headerOf(key);
  const isNumeric = values.length > 0 && values.every((value) => typeof value === "number");
  return {
    key,
    header,
    cells,
    align: isNumeric ? "right" : "left",
    width: Math.max(widthOf(header), ...cells.map(widthOf)),
  };
}

/** `maxAttempts` is `MAX ATTEMPTS`. */
function headerOf(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toUpperCase();
}

/** Takes from the widest columns, so that short ones such as ids stay whole. */
function shrink(columns: readonly Laid[], width: number): void {
  const room = width - GAP.length * (columns.length - 1);
  let excess = columns.reduce((sum, column) => sum + column.width, 0) - room;
  while (excess > 0) {
    const [widest, second] = columns.toSorted((a, b) => b.width - a.width);
    if (widest === undefined || widest.width <= LEAST_WIDTH) return;
    const target = Math.max(LEAST_WIDTH, Math.min(widest.width - 1, second?.width ?? 0));
    const taken = Math.min(excess, widest.width - target);
    widest.width -= taken;
    excess -= taken;
  }
}
