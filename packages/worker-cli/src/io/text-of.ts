import { printableLine } from "./printable.ts";
import { toJson } from "./to-json.ts";

/** What stands for a value that is not there. */
export const NOTHING = "-";

/** A value as a cell of a table shows it: on one line, without control characters. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null || value === "") return NOTHING;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value instanceof Date) return dateText(value);
  if (typeof value === "object") return printableLine(toJson(value));
  return printableLine(String(value));
}

/** `2026-03-01 10:00:00Z`; with milliseconds where there are any. */
export function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) return "invalid date";
  return date.toISOString().replace("T", " ").replace(".000Z", "Z");
}
