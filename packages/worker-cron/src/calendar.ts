import { type Day, dayOf } from "./cron/day.ts";
import type { Zone } from "./cron/zone.ts";
import type { Calendar } from "./definition.ts";

const DAY_MS = 86_400_000;

/** Whether a calendar allows a day. */
export function isAllowed({ exclude = [], businessDays = false }: Calendar, day: Day): boolean {
  if (businessDays && (day.weekday === 0 || day.weekday === 6)) return false;
  if (exclude.length === 0) return true;
  const two = (number: number) => String(number).padStart(2, "0");
  const date = `${two(day.month)}-${two(day.day)}`;
  return !exclude.includes(date) && !exclude.includes(`${day.year}-${date}`);
}

/** The number of the day that a zone's clock shows at an instant. */
export function dayNumber(zone: Zone, instant: number): number {
  return Math.floor((instant + zone.offsetAt(instant)) / DAY_MS);
}

/**
 * The first day from one on that a calendar allows.
 *
 * @returns undefined when it allows none in four years
 */
export function allowedDay(calendar: Calendar, from: number): number | undefined {
  for (let number = from; number < from + 4 * 366; number++)
    if (isAllowed(calendar, dayOf(number))) return number;
  return undefined;
}

/** The first instant at which a zone's clock shows a time, or has passed it. */
export function instantOf(zone: Zone, wall: number): number {
  const before = wall - zone.offsetAt(wall - DAY_MS);
  const after = wall - zone.offsetAt(wall + DAY_MS);
  const first = Math.min(before, after);
  const last = Math.max(before, after);
  if (first + zone.offsetAt(first) === wall) return first;
  if (last + zone.offsetAt(last) === wall) return last;
  return zone.nextTransition(first - DAY_MS, last + DAY_MS)?.at ?? last;
}
