/** JSON of anything that a command prints: big integers become strings, errors their message. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, replace, indent) ?? "null";
}

function replace(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return { name: value.name, message: value.message };
  return value;
}
