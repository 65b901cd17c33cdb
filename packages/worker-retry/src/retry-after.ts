import { causesOf, type Duration, parseDuration, readProperty } from "@oppulence/worker-core";

/** How a `Retry-After` header is read. */
export interface RetryAfterSettings {
  /** No later than this from now. @defaultValue `"1d"` */
  readonly max?: Duration;
  /**
   * The answer's `Date` header: an HTTP date is then read by the server's clock, which may differ from ours.
   * @defaultValue the machine's clock
   */
  readonly date?: string | null | undefined;
  /** Milliseconds since the epoch. @defaultValue `Date.now()` */
  readonly now?: number;
}

/** Unless said otherwise, no server has a job wait for longer than this. */
const DEFAULT_MAX_RETRY_AFTER: Duration = "1d";

const SECONDS = /^\d+$/;
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
/** The three forms of RFC 9110, 5.6.7: IMF-fixdate, and the obsolete ones of RFC 850 and `asctime`. */
const FORMS = [
  new RegExp(
    `^${DAY}, (?<day>\\d\\d) (?<month>[A-Z][a-z]{2}) (?<year>\\d{4}) (?<time>\\d\\d:\\d\\d:\\d\\d) GMT$`,
  ),
  new RegExp(
    `^${DAY}[a-z]*day, (?<day>\\d\\d)-(?<month>[A-Z][a-z]{2})-(?<year>\\d\\d) (?<time>\\d\\d:\\d\\d:\\d\\d) GMT$`,
  ),
  new RegExp(
    `^${DAY} (?<month>[A-Z][a-z]{2}) (?<day>[ \\d]\\d) (?<time>\\d\\d:\\d\\d:\\d\\d) (?<year>\\d{4})$`,
  ),
];

/**
 * Milliseconds from now that a `Retry-After` header asks for.
 *
 * @returns zero or more, at most `max`; undefined when it is neither seconds nor an HTTP date
 */
export function readRetryAfter(
  header: unknown,
  { max = DEFAULT_MAX_RETRY_AFTER, date, now = Date.now() }: RetryAfterSettings = {},
): number | undefined {
  const wanted = wantedMs(String(header ?? "").trim(), date, now);
  if (wanted === undefined) return undefined;
  return Math.min(Math.max(0, wanted), parseDuration(max, "RetryAfterError, max"));
}

function wantedMs(text: string, date: unknown, now: number): number | undefined {
  if (SECONDS.test(text)) return Number(text) * 1_000;
  const at = readHttpDate(text, now);
  if (at === undefined) return undefined;
  const serverNow = typeof date === "string" ? readHttpDate(date.trim(), now) : undefined;
  return at - (serverNow ?? now);
}

/** @returns milliseconds since the epoch; undefined for what is no HTTP date */
function readHttpDate(text: string, now: number): number | undefined {
  for (const form of FORMS) {
    const { day, month, year, time } = form.exec(text)?.groups ?? {};
    if (day === undefined || month === undefined || year === undefined) continue;
    const at = MONTHS.indexOf(month);
    if (at < 0 || at % 3 !== 0) return undefined;
    const [hours, minutes, seconds] = (time ?? "").split(":").map(Number);
    const ms = Date.UTC(
      fullYear(year, now),
      at / 3,
      Number(day),
      hours as number,
      minutes as number,
      seconds as number,
    );
    return Number.isNaN(ms) ? undefined : ms;
  }
  return undefined;
}

/** A year of two digits that would be more than 50 years ahead is one of the century before. */
function fullYear(year: string, now: number): number {
  if (year.length === 4) return Number(year);
  const current = new Date(now).getUTCFullYear();
  const guess = Math.floor(current / 100) * 100 + Number(year);
  return guess > current + 50 ? guess - 100 : guess;
}

/**
 * What the HTTP answer that an error carries asks for: `error.response.headers` (axios, got, ky) or
 * `error.headers`, of the error or one of its causes.
 *
 * @returns milliseconds from now; undefined when no error of the chain has a `Retry-After` that can be read
 */
export function retryAfterOf(
  error: unknown,
  settings: Omit<RetryAfterSettings, "date">,
): number | undefined {
  for (const each of causesOf(error)) {
    for (const holder of [readProperty(each, "response"), each]) {
      const headers = readProperty(holder, "headers");
      const header = readHeader(headers, "retry-after");
      if (header === undefined) continue;
      const afterMs = readRetryAfter(header, { ...settings, date: readHeader(headers, "date") });
      if (afterMs !== undefined) return afterMs;
    }
  }
  return undefined;
}

/** Reads a header of `Headers`, of anything with its `get`, or of an object of headers in any case. */
function readHeader(headers: unknown, name: string): string | undefined {
  if (typeof headers !== "object" || headers === null) return undefined;
  try {
    const { get } = headers as { readonly get?: unknown };
    const own = () => Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
    const got: unknown = typeof get === "function" ? get.call(headers, name) : own();
    const first: unknown = Array.isArray(got) ? got[0] : got;
    return typeof first === "string" || typeof first === "number" ? String(first) : undefined;
  } catch {
    return undefined;
  }
}
