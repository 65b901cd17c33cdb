import parse from "parse-duration";
import { hasCode } from "./error-chain.ts";
import { printValue } from "./print-value.ts";

/**
 * A length of time: a number of milliseconds, or a string such as `"30s"`, `"1h 30m"` or `"250ms"`.
 *
 * Units of strings: `ms`, `s`, `m`, `h`, `d`, `w`, `mo`, `y`, also spelt out (`"5 minutes"`); a month is
 * a twelfth of a year, a year 365.25 days.
 */
export type Duration = number | string;

/** One or more numbers, each with a unit. `parse-duration` itself skips whatever it does not understand. */
const SHAPE = /^(?:(?:\d+(?:\.\d+)?|\.\d+)\s*\p{L}+[\s,]*)+$/u;
const PART = /(?:\d+(?:\.\d+)?|\.\d+)\s*(\p{L}+)/gu;
/** Longer than any duration a person writes; bounds the work on hostile input. */
const MAX_LENGTH = 100;
const EXAMPLES = 'a number of milliseconds, or a string such as "30s", "1h 30m" or "250ms"';

/** A value is not a {@link Duration}. */
export class InvalidDurationError extends Error {
  readonly code = "INVALID_DURATION";
  override readonly name = "InvalidDurationError";
  /** The option or argument that held the value. */
  readonly where: string;
  /** The value itself. */
  readonly got: unknown;

  constructor(where: string, got: unknown, why = "") {
    super(`${where}: got ${printValue(got)}${why}; a duration is ${EXAMPLES}`);
    this.where = where;
    this.got = got;
  }
}

/** Whether an error is an {@link InvalidDurationError}, of whichever copy of the package. */
export function isInvalidDurationError(error: unknown): error is InvalidDurationError {
  return hasCode(error, "INVALID_DURATION");
}

/**
 * Milliseconds of a {@link Duration}.
 *
 * @param value - the duration; anything else is an error too, as values come from config files
 * @param where - named in the error: the option or argument, such as `worker.stopTimeout`
 * @returns a finite number of milliseconds, zero or more; fractions are kept
 * @throws {@link InvalidDurationError} for anything that is not wholly a duration: `"5 bananas"`, `"30"`
 * (no unit), `""`, `"-3s"`, `NaN`, `Infinity`
 *
 * @example
 * parseDuration("1h 30m", "options.timeout"); // 5_400_000
 */
export function parseDuration(value: Duration, where: string): number {
  const milliseconds = typeof value === "number" ? value : parseText(value, where);
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds;
  throw new InvalidDurationError(where, value, whyNot(milliseconds));
}

function parseText(text: unknown, where: string): number {
  if (typeof text !== "string" || text.length > MAX_LENGTH)
    throw new InvalidDurationError(where, text);
  const trimmed = text.trim();
  if (trimmed.startsWith("-")) throw new InvalidDurationError(where, text, ", which is negative");
  if (/^[\d.]+$/.test(trimmed)) throw new InvalidDurationError(where, text, ", which has no unit");
  if (!SHAPE.test(trimmed)) throw new InvalidDurationError(where, text);
  for (const [, unit = ""] of trimmed.matchAll(PART)) {
    if (parse(`1${unit}`) === null)
      throw new InvalidDurationError(where, text, `, whose unit ${printValue(unit)} is unknown`);
  }
  return parse(trimmed) ?? Number.NaN;
}

function whyNot(milliseconds: number): string {
  return milliseconds < 0 ? ", which is negative" : ", which is not finite";
}

/**
 * Whether a value can be read by {@link parseDuration}: for the schemas of options.
 *
 * @example
 * const options = z.strictObject({ timeout: z.custom<Duration>(isDuration, "expected a duration such as \"30s\"") });
 */
export function isDuration(value: unknown): value is Duration {
  try {
    parseDuration(value as Duration, "");
    return true;
  } catch {
    return false;
  }
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;
type Unit = (typeof UNITS)[number];

/**
 * A duration for people to read: the two largest units (`"1h 30m"`, `"2d 4h"`), seconds with one decimal
 * below a minute (`"2.5s"`), whole milliseconds below a second (`"250ms"`).
 *
 * @param milliseconds - any number; negative ones get a sign
 */
export function formatDuration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return String(milliseconds);
  if (milliseconds < 0) return `-${formatDuration(-milliseconds)}`;
  if (Math.round(milliseconds) < 1_000) return `${Math.round(milliseconds)}ms`;
  const tenths = Math.round(milliseconds / 100);
  return tenths < 600 ? `${tenths / 10}s` : formatUnits(milliseconds);
}

function formatUnits(milliseconds: number): string {
  const largest = UNITS.findIndex(([, size]) => milliseconds >= size);
  const at = largest === -1 || largest === UNITS.length - 1 ? UNITS.length - 2 : largest;
  const [name, size] = UNITS[at] as Unit;
  const [nextName, nextSize] = UNITS[at + 1] as Unit;
  const rounded = Math.round(milliseconds / nextSize) * nextSize;
  // 59m 59.9s rounds to 60m, which is 1h.
  const larger = UNITS[at - 1];
  if (larger !== undefined && rounded >= larger[1]) return formatUnits(rounded);
  const whole = Math.floor(rounded / size);
  const rest = (rounded - whole * size) / nextSize;
  return rest === 0 ? `${whole}${name}` : `${whole}${name} ${rest}${nextName}`;
}
