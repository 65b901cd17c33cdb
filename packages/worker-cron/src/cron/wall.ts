import type { CronFields } from "./cron-fields.ts";
import { dayOf, matchesDay } from "./day.ts";

const DAY_MS = 86_400_000;
/** The weekday of a 29 February comes again after at most 40 years. */
const MOST_DAYS = 41 * 366;

/**
 * The first wall-clock time of an expression at or after one. Wall-clock times are milliseconds since
 * 1970-01-01 as a clock on the wall would count them: no zone, no changes.
 *
 * @returns undefined when there is none in the next 41 years
 */
export function nextWall(fields: CronFields, from: number): number | undefined {
  const first = Math.floor(from / DAY_MS);
  let second = Math.ceil((from - first * DAY_MS) / 1_000);
  for (let number = first; number < first + MOST_DAYS; number++) {
    if (second < 86_400 && matchesDay(fields, dayOf(number))) {
      const found = atOrAfter(fields, second);
      if (found !== undefined) return number * DAY_MS + found * 1_000;
    }
    second = 0;
  }
  return undefined;
}

/** The last wall-clock time of an expression at or before one; the mirror of {@link nextWall}. */
export function previousWall(fields: CronFields, from: number): number | undefined {
  const first = Math.floor(from / DAY_MS);
  let second = Math.floor((from - first * DAY_MS) / 1_000);
  for (let number = first; number > first - MOST_DAYS; number--) {
    if (matchesDay(fields, dayOf(number))) {
      const found = atOrBefore(fields, second);
      if (found !== undefined) return number * DAY_MS + found * 1_000;
    }
    second = 86_399;
  }
  return undefined;
}

function atOrAfter({ hours, minutes, seconds }: CronFields, from: number): number | undefined {
  const [hour, minute, second] = split(from);
  for (const h of hours) {
    if (h < hour) continue;
    for (const m of minutes) {
      if (h === hour && m < minute) continue;
      for (const s of seconds) {
        if (h === hour && m === minute && s < second) continue;
        return h * 3_600 + m * 60 + s;
      }
    }
  }
  return undefined;
}

function atOrBefore({ hours, minutes, seconds }: CronFields, from: number): number | undefined {
  const [hour, minute, second] = split(from);
  for (let i = hours.length - 1; i >= 0; i--) {
    const h = hours[i] as number;
    if (h > hour) continue;
    for (let j = minutes.length - 1; j >= 0; j--) {
      const m = minutes[j] as number;
      if (h === hour && m > minute) continue;
      for (let k = seconds.length - 1; k >= 0; k--) {
        const s = seconds[k] as number;
        if (h === hour && m === minute && s > second) continue;
        return h * 3_600 + m * 60 + s;
      }
    }
  }
  return undefined;
}

function split(second: number): [number, number, number] {
  return [Math.floor(second / 3_600), Math.floor(second / 60) % 60, second % 60];
}
