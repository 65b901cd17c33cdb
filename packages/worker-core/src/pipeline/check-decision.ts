import type { RunDecision } from "../contract/decisions.ts";
import type { ReasonInput } from "../contract/reason.ts";
import { parseDuration } from "../duration.ts";
import { messageOf } from "../errors.ts";
import { printValue } from "../print-value.ts";

/** PostgreSQL reads dates of these years as JavaScript writes them. */
const EARLIEST = Date.parse("0001-01-01T00:00:00Z");
const LATEST = Date.parse("9999-12-31T23:59:59.999Z");

/** Whether a date can be stored: valid, and of the years 1 to 9999. */
export function isStorableDate(value: unknown): value is Date {
  if (!(value instanceof Date)) return false;
  const time = value.getTime();
  return time >= EARLIEST && time <= LATEST;
}

/**
 * What is wrong with a `beforeRun` decision that stops the job. Deferrals of one tick share a statement, so
 * one that the database would refuse would take the others with it.
 *
 * @returns the end of a sentence, or undefined when nothing is
 */
export function problemOfStop(
  decision: Exclude<RunDecision, { kind: "proceed" }>,
): string | undefined {
  switch (decision?.kind) {
    case "defer":
      return problemOfUntil(decision.until, "defer, until") ?? problemOfReason(decision);
    case "skip":
    case "fail":
      return problemOfReason(decision);
    default:
      return unknownKind(decision, '"proceed", "defer", "skip", "fail"');
  }
}

/** Says that a decision is of no known kind. */
export function unknownKind(decision: unknown, kinds: string): string {
  const kind: unknown = (decision as { kind?: unknown } | null | undefined)?.kind;
  const got = kind === undefined ? printValue(decision) : `kind ${printValue(kind)}`;
  return `returned a decision of ${got}; it is one of ${kinds}, or undefined`;
}

/** What is wrong with the instant to which a decision moves a job. */
export function problemOfUntil(until: unknown, where: string): string | undefined {
  if (isStorableDate(until)) return undefined;
  const rest = "it is a Date of the years 1 to 9999, or { after: duration }";
  if (typeof until !== "object" || until === null || !("after" in until))
    return `returned ${where}: got ${printValue(until)}; ${rest}`;
  try {
    const afterMs = parseDuration(until.after as number, where);
    return Date.now() + afterMs <= LATEST
      ? undefined
      : `returned ${where}: got after ${printValue(until.after)}; ${rest}`;
  } catch (error) {
    return `returned ${messageOf(error)}`;
  }
}

function problemOfReason({ kind, reason }: { kind: string; reason: ReasonInput }) {
  const { code, message } = (reason ?? {}) as Partial<Record<keyof ReasonInput, unknown>>;
  if (typeof code === "string" && typeof message === "string") return undefined;
  return `returned ${kind} with the reason ${printValue(reason)}; it is { code, message }, two strings`;
}
