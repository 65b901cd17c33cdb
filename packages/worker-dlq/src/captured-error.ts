import { inspect } from "node:util";
import { cleanText } from "./clean-text.ts";

const MAX_NAME = 200;
const MAX_MESSAGE = 8_000;
const MAX_STACK = 16_000;
const MAX_CAUSE_MESSAGE = 2_000;
const MAX_CAUSES = 10;

/** Part of an error's chain: its `cause`, the cause of that, or one of an `AggregateError`'s. */
export interface ErrorCause {
  readonly name: string;
  readonly message: string;
}

/** An error as it is stored: text only, bounded, and nothing that PostgreSQL refuses. */
export interface CapturedError {
  /** `TypeError`; `NonError` for a thrown value that is no object. */
  readonly name: string;
  /** Up to 8,000 characters. */
  readonly message: string;
  /** The error's `code`, where it has one: `ECONNREFUSED`. */
  readonly code: string | undefined;
  /** Up to 16,000 characters. */
  readonly stack: string | undefined;
  /** Up to ten, nearest first. */
  readonly causes: readonly ErrorCause[];
}

/**
 * Captures anything that was thrown. Never throws and never runs long: getters that throw, proxies, circular
 * causes and huge texts are captured as far as they can be.
 *
 * @param thrown - an error or any other value
 */
export function captureError(thrown: unknown): CapturedError {
  const code = read(thrown, "code");
  const stack = read(thrown, "stack");
  return {
    name: nameOf(thrown),
    message: messageOf(thrown, MAX_MESSAGE),
    code:
      typeof code === "string" || typeof code === "number"
        ? cleanText(String(code), MAX_NAME)
        : undefined,
    stack: typeof stack === "string" && stack !== "" ? cleanText(stack, MAX_STACK) : undefined,
    causes: causesOf(thrown),
  };
}

/** Breadth first, each object once: a chain may be a circle, and an AggregateError a tree. */
function causesOf(thrown: unknown): ErrorCause[] {
  const seen = new Set<unknown>([thrown]);
  const waiting: unknown[] = [thrown];
  const causes: ErrorCause[] = [];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    for (const inner of innerOf(next)) {
      if (seen.has(inner)) continue;
      if (causes.length === MAX_CAUSES) return causes;
      seen.add(inner);
      waiting.push(inner);
      causes.push({ name: nameOf(inner), message: messageOf(inner, MAX_CAUSE_MESSAGE) });
    }
  }
  return causes;
}

function innerOf(thrown: unknown): unknown[] {
  const cause = read(thrown, "cause");
  const errors = read(thrown, "errors");
  const inner = cause === undefined || cause === null ? [] : [cause];
  // A message of its own for each would let one error of a huge batch fill the table.
  for (let index = 0; isArray(errors) && index < MAX_CAUSES; index++) {
    const one = read(errors, index);
    if (one !== undefined && one !== null) inner.push(one);
  }
  return inner;
}

/** `Array.isArray` throws for a proxy that was revoked. */
function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** A property of anything; undefined where it cannot be read. */
function read(holder: unknown, key: string | number): unknown {
  if ((typeof holder !== "object" && typeof holder !== "function") || holder === null)
    return undefined;
  try {
    return (holder as Record<string | number, unknown>)[key];
  } catch {
    return undefined;
  }
}

function nameOf(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null) return "NonError";
  const own = read(thrown, "name");
  const name =
    typeof own === "string" && own !== "" ? own : read(read(thrown, "constructor"), "name");
  return typeof name === "string" && name !== "" ? cleanText(name, MAX_NAME) : "Error";
}

function messageOf(thrown: unknown, longest: number): string {
  const message = read(thrown, "message");
  const text = typeof message === "string" && message !== "" ? message : print(thrown);
  return cleanText(text, longest);
}

/** What was thrown has no message of its own. */
function print(thrown: unknown): string {
  if (typeof thrown === "string") return thrown === "" ? "an empty string was thrown" : thrown;
  try {
    // Looks through proxies, and calls neither getters nor what the object brings along for it.
    return inspect(thrown, {
      depth: 2,
      customInspect: false,
      getters: false,
      maxArrayLength: 10,
      maxStringLength: 1_000,
      breakLength: Number.POSITIVE_INFINITY,
    });
  } catch {
    return "an error that cannot be printed";
  }
}
