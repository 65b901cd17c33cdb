import { BRAND } from "../contract/brand.ts";

/** What a value is, for messages about values of the wrong kind. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "function")
    return `a function${value.name === "" ? "" : ` (${value.name})`}`;
  if (typeof value === "object") {
    if (Array.isArray(value)) return "an array";
    return BRAND in value ? "a branded value of another kind" : "a plain object";
  }
  return `the ${typeof value} ${JSON.stringify(value) ?? String(value)}`;
}
