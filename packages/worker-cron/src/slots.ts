import { allowedDay, dayNumber, instantOf, isAllowed } from "./calendar.ts";
import { dayOf } from "./cron/day.ts";
import { CronExpression } from "./cron/expression.ts";
import type { Calendar } from "./definition.ts";

const DAY_MS = 86_400_000;
/** How many days in a row a calendar may exclude when slots move over them. */
const MOST_EXCLUDED = 60;

/** What decides the slots of a schedule. */
export interface SlotRule {
  readonly key: string;
  readonly cron: string;
  readonly timezone: string;
  readonly calendar?: Calendar | undefined;
  /** Milliseconds since the epoch; both ends may fire. */
  readonly startAt?: number | undefined;
  readonly endAt?: number | undefined;
}

/** The slots of a schedule: its expression's, kept to its bounds and its calendar. */
export class Slots {
  readonly expression: CronExpression;
  readonly #calendar: Calendar | undefined;
  readonly #startAt: number;
  readonly #endAt: number;
  /** The last question and its answer: it is asked before the slot comes, and again when it has come. */
  #asked = Number.NaN;
  #answer: number | undefined;

  /** @throws InvalidCronError, UnknownTimezoneError */
  constructor({ key, cron, timezone, calendar, startAt, endAt }: SlotRule) {
    this.expression = new CronExpression(cron, timezone, key);
    const excludes = calendar?.businessDays === true || (calendar?.exclude?.length ?? 0) > 0;
    this.#calendar = excludes ? calendar : undefined;
    this.#startAt = startAt ?? Number.NEGATIVE_INFINITY;
    this.#endAt = endAt ?? Number.POSITIVE_INFINITY;
  }

  /** The first slot after an instant, in milliseconds since the epoch. */
  next(after: number): number | undefined {
    if (after !== this.#asked) {
      this.#answer = this.#find(after);
      this.#asked = after;
    }
    return this.#answer;
  }

  #find(after: number): number | undefined {
    const from = Math.max(after, this.#startAt - 1);
    const found =
      this.#calendar === undefined
        ? this.expression.next(from)
        : this.#calendar.onExcluded === "next"
          ? this.#nextMoved(this.#calendar, from)
          : this.#nextAllowed(this.#calendar, from);
    return found === undefined || found > this.#endAt ? undefined : found;
  }

  /** The first slots after an instant, at most so many. */
  list(after: number, count: number): number[] {
    const slots: number[] = [];
    for (let at = this.next(after); at !== undefined && slots.length < count; at = this.next(at))
      slots.push(at);
    return slots;
  }

  #nextAllowed(calendar: Calendar, after: number): number | undefined {
    const { zone } = this.expression;
    let from = after;
    for (;;) {
      const slot = this.expression.next(from);
      if (slot === undefined) return undefined;
      const day = dayNumber(zone, slot);
      if (isAllowed(calendar, dayOf(day))) return slot;
      const allowed = allowedDay(calendar, day);
      if (allowed === undefined) return undefined;
      // Not slot by slot: a schedule by the second has 86,400 of an excluded day.
      from = Math.max(slot, instantOf(zone, allowed * DAY_MS) - 1);
    }
  }

  /** Slots of days that are excluded fall to the next day that is not, at the same time of day. */
  #nextMoved(calendar: Calendar, after: number): number | undefined {
    const { zone } = this.expression;
    let first = dayNumber(zone, after);
    for (let back = 0; back < MOST_EXCLUDED && !isAllowed(calendar, dayOf(first - 1)); back++)
      first -= 1;
    let best: number | undefined;
    let slot = this.expression.next(instantOf(zone, first * DAY_MS) - 1);
    while (slot !== undefined) {
      const day = dayNumber(zone, slot);
      if (best !== undefined && day > dayNumber(zone, best)) break;
      const moved = this.#move(calendar, slot, day);
      if (moved === undefined) return best;
      if (moved > after && (best === undefined || moved < best)) best = moved;
      slot = this.expression.next(slot);
    }
    return best;
  }

  #move(calendar: Calendar, slot: number, day: number): number | undefined {
    const { zone } = this.expression;
    const allowed = allowedDay(calendar, day);
    if (allowed === undefined || allowed === day) return allowed === day ? slot : undefined;
    return instantOf(zone, slot + zone.offsetAt(slot) + (allowed - day) * DAY_MS);
  }
}
