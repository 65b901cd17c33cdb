import { createHash } from "node:crypto";
import { messageOf } from "@oppulence/worker-core";
import { RateLimitKeyError } from "./errors.ts";
import type { LimitedJob, LimiterDefinition } from "./options.ts";
import { shown } from "./shown.ts";

/** Longer keys are stored by their hash. */
const MAX_LENGTH = 200;
/** What stays readable of such a key. */
const HEAD_LENGTH = 100;
// biome-ignore lint/suspicious/noControlCharactersInRegex: PostgreSQL stores no NUL, and terminals obey the others
const CONTROL = /[\u0000-\u001f\u007f]/g;
const HASHED = /~[0-9a-f]{64}$/;

/**
 * The key of a job.
 *
 * @returns `""` for a limiter without keys
 * @throws RateLimitKeyError when the function throws, or says what is no key: it will again, so the job can never start
 */
export function keyOf(
  limiter: string,
  { key }: Pick<LimiterDefinition, "key">,
  payload: unknown,
  job: LimitedJob,
): string {
  if (key === undefined) return "";
  let answer: unknown;
  try {
    answer = key(payload, job);
  } catch (error) {
    throw new RateLimitKeyError(limiter, `its key function threw: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return readKey(limiter, answer);
}

/**
 * A key as it is stored, from what a key function said or a caller gave.
 *
 * @throws RateLimitKeyError for anything but a string, a finite number, a bigint or a boolean
 */
export function readKey(limiter: string, value: unknown): string {
  switch (typeof value) {
    case "string":
      return storedKey(value);
    case "number":
      if (Number.isFinite(value)) return String(value);
      break;
    case "bigint":
      return storedKey(String(value));
    case "boolean":
      return String(value);
  }
  // Its rejection would have no one to handle it, which ends the process.
  if (value instanceof Promise) value.catch(() => {});
  throw new RateLimitKeyError(
    limiter,
    `got ${shown(value)} as a key; a key is a string, a finite number, a bigint or a boolean`,
  );
}

/**
 * A key as it is stored: itself, or its head and its SHA-256 when it is longer than 200 characters or holds what
 * cannot be stored. What looks like such a key is hashed too, so that no two keys are stored as one.
 */
export function storedKey(key: string): string {
  if (key.length <= MAX_LENGTH && isPlain(key)) return key;
  // UTF-16, as halves of surrogate pairs are all the same in UTF-8.
  const hash = createHash("sha256").update(key, "utf16le").digest("hex");
  const head = key.slice(0, HEAD_LENGTH).toWellFormed().replace(CONTROL, "\ufffd");
  return `${head}~${hash}`;
}

function isPlain(key: string): boolean {
  return key.search(CONTROL) === -1 && key.isWellFormed() && !HASHED.test(key);
}
