import { didYouMean } from "@oppulence/worker-core";
import { UnknownTimezoneError } from "../errors.ts";

const DAY_MS = 86_400_000;
/** Shorter than the time between any two changes of a zone since 1970, and the years that schedules live in. */
const PROBE_MS = 4 * DAY_MS;
const NAMES_OF_UTC = ["UTC", "Etc/UTC", "Etc/GMT", "GMT"];

/** A change of a zone's offset. */
export interface Transition {
  /** The first instant with the new offset, in milliseconds since the epoch. */
  readonly at: number;
  /** Milliseconds that the wall clock is ahead of UTC before and from then on. */
  readonly before: number;
  readonly after: number;
}

/** A year in UTC: the offset at its start, and its changes. */
interface Year {
  readonly offset: number;
  readonly changes: readonly Transition[];
}

/** A time zone: how far its wall clock is ahead of UTC, and when that changes. */
export class Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat | undefined;
  readonly #years = new Map<number, Year>();

  constructor(name: string) {
    this.name = name;
    this.#format = NAMES_OF_UTC.includes(name)
      ? undefined
      : new Intl.DateTimeFormat("en-US", {
          timeZone: name,
          calendar: "gregory",
          numberingSystem: "latn",
          hourCycle: "h23",
          era: "short",
          year: "numeric",
          month: "numeric",
          day: "numeric",
          hour: "numeric",
          minute: "numeric",
          second: "numeric",
        });
  }

  /** Milliseconds that the wall clock is ahead of UTC at an instant. */
  offsetAt(instant: number): number {
    if (this.#format === undefined) return 0;
    const { offset, changes } = this.#year(yearOf(instant));
    return changes.findLast(({ at }) => at <= instant)?.after ?? offset;
  }

  /** Asks the platform, which takes some microseconds. */
  #probe(instant: number): number {
    const whole = Math.floor(instant / 1_000) * 1_000;
    const part: Record<string, number> = {};
    for (const { type, value } of (this.#format as Intl.DateTimeFormat).formatToParts(whole))
      part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
  }

  /** The first change after an instant and before a bound. */
  nextTransition(after: number, before: number): Transition | undefined {
    if (this.#format === undefined) return undefined;
    const last = yearOf(before);
    for (let year = yearOf(after); year <= last; year++) {
      const found = this.#year(year).changes.find(({ at }) => at > after);
      if (found !== undefined) return found.at < before ? found : undefined;
    }
    return undefined;
  }

  /** The last change at or before an instant, and not before a bound. */
  lastTransition(until: number, from: number): Transition | undefined {
    if (this.#format === undefined) return undefined;
    const first = yearOf(from);
    for (let year = yearOf(until); year >= first; year--) {
      const found = this.#year(year).changes.findLast(({ at }) => at <= until);
      if (found !== undefined) return found.at >= from ? found : undefined;
    }
    return undefined;
  }

  #year(year: number): Year {
    let known = this.#years.get(year);
    if (known === undefined) {
      const from = Date.UTC(year, 0, 1);
      known = { offset: this.#probe(from), changes: this.#find(from, Date.UTC(year + 1, 0, 1)) };
      this.#years.set(year, known);
    }
    return known;
  }

  /** Changes in (from, to]; one at midnight of New Year's Eve in UTC belongs to the old year. */
  #find(from: number, to: number): Transition[] {
    const found: Transition[] = [];
    let before = this.#probe(from);
    for (let start = from; start < to; start += PROBE_MS) {
      const end = Math.min(start + PROBE_MS, to);
      const after = this.#probe(end);
      if (after !== before) found.push({ at: this.#between(start, end, before), before, after });
      before = after;
    }
    return found;
  }

  #between(start: number, end: number, before: number): number {
    let [low, high] = [start / 1_000, end / 1_000];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#probe(middle * 1_000) === before) low = middle;
      else high = middle;
    }
    return high * 1_000;
  }
}

/** A year's changes are those after its first instant: the first instant itself belongs to the year before. */
function yearOf(instant: number): number {
  return new Date(instant - 1).getUTCFullYear();
}

const zones = new Map<string, Zone>();

/**
 * The zone of a name; the same one for each call.
 *
 * @throws UnknownTimezoneError
 */
export function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  // Offsets such as "+02:00" are names to Intl, and have no daylight saving: surely not what was meant.
  if (typeof name !== "string" || !/^[A-Za-z]/.test(name)) throw unknown(name);
  let zone: Zone;
  try {
    zone = new Zone(name);
  } catch {
    throw unknown(name);
  }
  zones.set(name, zone);
  return zone;
}

function unknown(name: unknown): UnknownTimezoneError {
  const names = [...Intl.supportedValuesOf("timeZone"), "UTC"];
  const text = String(name);
  const city = names.find(
    (each) => each.split("/").at(-1)?.toLowerCase() === text.toLowerCase().replaceAll(" ", "_"),
  );
  const hint = city === undefined ? didYouMean(text, names) : `, did you mean "${city}"?`;
  return new UnknownTimezoneError(text, hint);
}
