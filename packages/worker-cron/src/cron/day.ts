import type { CronFields, DaysOfMonth, Weekdays } from "./cron-fields.ts";

const DAY_MS = 86_400_000;

/** A day of the calendar, without a zone. */
export interface Day {
  /** Days since 1970-01-01. */
  readonly number: number;
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  /** Sunday is 0. */
  readonly weekday: number;
}

/** The day with this number, counted from 1970-01-01. */
export function dayOf(number: number): Day {
  const date = new Date(number * DAY_MS);
  return {
    number,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: (((number + 4) % 7) + 7) % 7,
  };
}

/** How many days the day's month has. */
function daysInMonth({ year, month }: Day): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** Whether an expression has this day. */
export function matchesDay({ months, days, weekdays }: CronFields, day: Day): boolean {
  if (months[day.month] !== true) return false;
  const isDay = matchesDayOfMonth(days, day);
  const isWeekday = matchesWeekday(weekdays, day);
  // As every cron does it since Vixie's: two restrictions are alternatives.
  return days.isWild || weekdays.isWild ? isDay && isWeekday : isDay || isWeekday;
}

function matchesDayOfMonth({ set, fromLast, nearest }: DaysOfMonth, day: Day): boolean {
  if (set[day.day] === true) return true;
  if (fromLast.length === 0 && nearest.length === 0) return false;
  const length = daysInMonth(day);
  if (fromLast.includes(length - day.day)) return true;
  return nearest.some((target) => {
    const aim = target === "L" ? length : target;
    return aim <= length && nearestWorkingDay(aim, length, day) === day.day;
  });
}

/** Monday to Friday, never in another month. */
function nearestWorkingDay(target: number, length: number, { day, weekday }: Day): number {
  const of = (((weekday + target - day) % 7) + 7) % 7;
  if (of === 6) return target === 1 ? 3 : target - 1;
  if (of === 0) return target === length ? target - 2 : target + 1;
  return target;
}

function matchesWeekday({ set, nth }: Weekdays, day: Day): boolean {
  if (set[day.weekday] === true) return true;
  return nth.some(
    ({ weekday, nth: which }) =>
      weekday === day.weekday &&
      (which === "L" ? day.day + 7 > daysInMonth(day) : Math.ceil(day.day / 7) === which),
  );
}
