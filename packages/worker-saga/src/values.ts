import { messageOf, type Schema } from "@oppulence/worker-core";
import { InvalidValueError } from "./errors.ts";

/**
 * A value as JSON text, or an error that says what of it is none.
 *
 * @param what - whose value, at the start of messages
 * @returns undefined for undefined
 * @throws InvalidValueError
 */
export function toJson(value: unknown, what: string, maxBytes: number): string | undefined {
  if (value === undefined) return undefined;
  let text: string | undefined;
  try {
    text = JSON.stringify(value, refuse);
  } catch (error) {
    throw new InvalidValueError(`${what} cannot be written as JSON: ${messageOf(error)}`);
  }
  if (text === undefined)
    throw new InvalidValueError(`${what} cannot be written as JSON: got a ${typeof value}`);
  const bytes = text.length * 3 <= maxBytes ? 0 : Buffer.byteLength(text);
  if (bytes > maxBytes)
    throw new InvalidValueError(
      `${what} has ${bytes} bytes as JSON; at most ${maxBytes} (option maxValueBytes): keep it elsewhere, and only its name here`,
    );
  return text;
}

/** What JSON would lose without a word. */
function refuse(key: string, value: unknown): unknown {
  const where = key === "" ? "" : ` at ${JSON.stringify(key)}`;
  if (typeof value === "function" || typeof value === "symbol")
    throw new TypeError(`got a ${typeof value}${where}`);
  if (typeof value === "number" && !Number.isFinite(value))
    throw new TypeError(`got ${value}${where}`);
  if (value instanceof Map || value instanceof Set)
    throw new TypeError(`got a ${value.constructor.name}${where}; make it an array or an object`);
  return value;
}

/**
 * A value as its schema gives it.
 *
 * @throws InvalidValueError with everything that is wrong
 */
export async function parse(
  schema: Schema<any, any> | undefined,
  value: unknown,
  what: string,
): Promise<unknown> {
  if (schema === undefined) return value;
  const settled = await schema["~standard"].validate(value);
  if (settled.issues === undefined) return settled.value;
  const problems = settled.issues.map(({ message, path = [] }) => {
    const at = path.map((one) => String(typeof one === "object" ? one.key : one)).join(".");
    return at === "" ? message : `${at}: ${message}`;
  });
  throw new InvalidValueError(`${what} does not match its schema: ${problems.join("; ")}`);
}

/** The same text for equal values, whatever the order of their keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}

/** The paths at which two values differ, a few of them. */
export function differences(a: unknown, b: unknown, path = "input", most = 5): string[] {
  if (canonical(a) === canonical(b)) return [];
  const isBoth = [a, b].every((one) => typeof one === "object" && one !== null);
  if (!isBoth || Array.isArray(a) !== Array.isArray(b))
    return [`${path} was ${short(a)}, is ${short(b)}`];
  const [left, right] = [a, b] as Record<string, unknown>[];
  const keys = new Set([...Object.keys(left as object), ...Object.keys(right as object)]);
  return [...keys]
    .flatMap((key) => differences(left?.[key], right?.[key], `${path}.${key}`, most))
    .slice(0, most);
}

function short(value: unknown): string {
  const text = value === undefined ? "not there" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** An error as it is stored: what a person needs, never its stack. */
export function toStoredError(error: unknown): string {
  const name = error instanceof Error ? error.name : "Error";
  const code = (error as { code?: unknown } | null)?.code;
  const message = messageOf(error).slice(0, 8_000);
  return JSON.stringify({ name, message, ...(typeof code === "string" && { code }) });
}
