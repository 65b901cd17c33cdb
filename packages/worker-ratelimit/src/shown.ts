const MAX_SHOWN = 40;

/** A value for an error message: short, on one line; of an object only that it is one. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);
    case "number":
    case "boolean":
    case "bigint":
    case "undefined":
      return String(value);
    case "function":
      return "a function";
    case "symbol":
      return "a symbol";
    default:
      return kindOf(value as object | null);
  }
}

function kindOf(value: object | null): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof (value as { then?: unknown }).then === "function" ? "a promise" : "an object";
}
