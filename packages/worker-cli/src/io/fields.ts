import type { Colors } from "./colors.ts";
import { printable } from "./printable.ts";
import { dateText, NOTHING } from "./text-of.ts";
import { toJson } from "./to-json.ts";
import { pad, widthOf } from "./width.ts";

/** Lays an object's fields out under one another; long and nested values go below their name. */
export function layFields(value: Readonly<Record<string, unknown>>, colors: Colors): string[] {
  const entries = Object.entries(value);
  const width = Math.max(0, ...entries.map(([name]) => widthOf(name)));
  return entries.flatMap(([name, field]) => {
    const lines = linesOf(field);
    const label = colors.dim(pad(name, width, "left"));
    if (lines.length === 1) return [`${label}  ${lines[0]}`];
    return [colors.dim(name), ...lines.map((line) => `  ${line}`)];
  });
}

function linesOf(value: unknown): string[] {
  if (value === undefined || value === null || value === "") return [NOTHING];
  if (typeof value === "boolean") return [value ? "yes" : "no"];
  if (value instanceof Date) return [dateText(value)];
  if (typeof value === "object") return printable(objectText(value)).split("\n");
  return printable(String(value)).split("\n");
}

function objectText(value: object): string {
  return Object.keys(value).length === 0 ? toJson(value) : toJson(value, 2);
}
