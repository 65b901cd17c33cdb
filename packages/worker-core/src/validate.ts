import type { StandardSchemaV1 } from "@standard-schema/spec";
import { hasCode } from "./error-chain.ts";
import {
  explainIssues,
  formatIssues,
  type Issue,
  listIssues,
  type RawIssue,
  toIssue,
  unknownOption,
} from "./issues.ts";
import { printValue } from "./print-value.ts";

export { formatIssues };

/** An issue of options, which may have come from a config file or an environment variable. */
export interface OptionIssue extends Issue {
  /** `worker.yaml:3:7`, or the environment variable's name; undefined for a value set in code. */
  readonly origin?: string;
}

/** Options of a plugin, a task or a worker do not match their schema. */
export class InvalidOptionsError extends Error {
  readonly code = "INVALID_OPTIONS";
  override readonly name = "InvalidOptionsError";
  /** Whose options: `plugin cron`. */
  readonly where: string;
  /** Every issue found, not only the first. */
  readonly issues: readonly OptionIssue[];

  constructor(where: string, issues: readonly OptionIssue[]) {
    super(listIssues(where, issues));
    this.where = where;
    this.issues = issues;
  }
}

/** Whether an error is an {@link InvalidOptionsError}, of whichever copy of the package. */
export function isInvalidOptionsError(error: unknown): error is InvalidOptionsError {
  return hasCode(error, "INVALID_OPTIONS");
}

/** What {@link validateOptions} may be told besides. */
export interface ValidateOptionsSettings {
  /** Where the value at a path came from, if not from code: the overlay's `origin`, bound to the plugin. */
  readonly origin?: ((path: readonly (string | number)[]) => string | undefined) | undefined;
}

/**
 * Checks options against their schema and completes them with its defaults.
 *
 * @param schema - any Standard Schema whose checks are synchronous
 * @param value - the options as they were given
 * @param where - whose options, at the start of the message: `plugin cron`
 * @returns the schema's output
 * @throws {@link InvalidOptionsError} with every issue: its path, what was got, what would be right, and
 * for a misspelt option the one that was probably meant
 * @throws TypeError when the schema turns out to be asynchronous
 */
export function validateOptions<T>(
  schema: StandardSchemaV1<any, T>,
  value: unknown,
  where: string,
  settings: ValidateOptionsSettings = {},
): T {
  const result = schema["~standard"].validate(value);
  if (isPromiseLike(result)) {
    // Its rejection would have no one to handle it, which ends the process.
    Promise.resolve(result).catch(() => {});
    throw new TypeError(
      `${where}: the schema of the options answered with a promise; it must be synchronous (no async checks or transforms, and none that throws)`,
    );
  }
  if (!result.issues) return result.value;
  const issues = explainIssues(schema, value, result.issues).map((issue) =>
    withOrigin(issue, settings.origin),
  );
  throw new InvalidOptionsError(where, issues);
}

function withOrigin(raw: RawIssue, originOf: ValidateOptionsSettings["origin"]): OptionIssue {
  const issue = toIssue(raw);
  const path = raw.path.filter((key) => typeof key !== "symbol");
  const origin = originOf?.(raw.unknownKey === undefined ? path : [...path, raw.unknownKey]);
  return origin === undefined
    ? issue
    : { ...issue, message: `${issue.message} (from ${origin})`, origin };
}

/** What became of a payload. */
export type PayloadResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/**
 * Checks a payload against its task's schema. On the hot path of `addJobs` and of every run: a schema
 * that answers at once is answered at once, without a promise.
 *
 * @returns the schema's output or its issues; a promise of them only when the schema itself returns one
 * @throws whatever the schema's own checks throw: that is a bug in them, not a wrong payload
 */
export function validatePayload<T>(
  schema: StandardSchemaV1<any, T>,
  value: unknown,
): PayloadResult<T> | Promise<PayloadResult<T>> {
  const result = schema["~standard"].validate(value);
  if (isPromiseLike(result))
    return result.then((settled) => toPayloadResult(schema, value, settled));
  return toPayloadResult(schema, value, result);
}

function toPayloadResult<T>(
  schema: StandardSchemaV1<any, T>,
  value: unknown,
  result: StandardSchemaV1.Result<T>,
): PayloadResult<T> {
  if (!result.issues) return { ok: true, value: result.value };
  return { ok: false, issues: explainIssues(schema, value, result.issues).map(toIssue) };
}

/** Not `instanceof`: a schema may come from another realm, or bring a promise of its own. */
function isPromiseLike<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown }).then === "function";
}

/**
 * Checks that an object has no options but the known ones, where there is no schema.
 *
 * @param value - the options
 * @param known - names of all options
 * @param where - whose options, at the start of the message
 * @throws {@link InvalidOptionsError} for anything but an object, and for each unknown option
 */
export function assertKnownKeys(value: unknown, known: Iterable<string>, where: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidOptionsError(where, [
      { path: "", message: `expected an object, got ${printValue(value)}` },
    ]);
  }
  const names = new Set(known);
  const unknown = Object.keys(value).filter((key) => !names.has(key));
  if (unknown.length === 0) return;
  throw new InvalidOptionsError(
    where,
    unknown.map((key) => ({ path: "", message: unknownOption(key, [...names]) })),
  );
}
