import { InvalidCronError } from "../errors.ts";
import type { CronFields } from "./cron-fields.ts";
import { parseCron } from "./parse.ts";
import { nextWall, previousWall } from "./wall.ts";
import { type Zone, zoneOf } from "./zone.ts";

/** Where {@link CronExpression.next} and `previous` give up. */
const HORIZON_MS = 42 * 366 * 86_400_000;
/** Longer than any hour that occurs twice. */
const MARGIN_MS = 2 * 86_400_000;

/**
 * An expression in a time zone.
 *
 * A fixed time (no `*`, range or step in hours and minutes) that the spring gap leaves out fires at the first
 * instant after the gap, and fires once, the first time, where the hour occurs twice. An interval fires
 * whenever the clock on the wall shows one of its times: in both of an hour that occurs twice, and not in
 * a gap.
 */
export class CronExpression {
  readonly fields: CronFields;
  readonly zone: Zone;

  /**
   * @param seed - what `H` chooses its values by
   * @throws InvalidCronError, also for what never fires; UnknownTimezoneError
   */
  constructor(expression: string, timezone = "UTC", seed = "") {
    this.zone = zoneOf(timezone);
    this.fields = parseCron(expression, seed);
    if (nextWall(this.fields, 0) === undefined)
      throw new InvalidCronError(
        expression,
        "day of month",
        expression.search(/\S/) + 1,
        "never fires: none of its months has one of its days",
      );
  }

  /** The first slot after an instant, in milliseconds since the epoch; undefined when there is none in 42 years. */
  next(after: number): number | undefined {
    const { fields, zone } = this;
    let start = Math.floor(after / 1_000) * 1_000;
    const limit = start + HORIZON_MS;
    let offset = zone.offsetAt(start);
    let wall = start + offset + 1_000;
    if (!fields.isInterval) wall = Math.max(wall, this.#unseenFrom(start));
    for (;;) {
      const found = nextWall(fields, wall);
      const change = zone.nextTransition(start, Math.min(limit, (found ?? limit) - offset + 1));
      if (change === undefined) return found === undefined ? undefined : found - offset;
      wall = change.at + change.after;
      if (!fields.isInterval) {
        // What the gap leaves out fires at its end, once.
        const missed = nextWall(fields, change.at + change.before);
        if (missed !== undefined && missed < wall) return change.at;
        wall = Math.max(wall, change.at + change.before);
      }
      start = change.at;
      offset = change.after;
    }
  }

  /** The last slot before an instant, in milliseconds since the epoch. */
  previous(before: number): number | undefined {
    const { fields, zone } = this;
    let end = Math.ceil(before / 1_000) * 1_000 - 1_000;
    const limit = end - HORIZON_MS;
    let offset = zone.offsetAt(end);
    for (;;) {
      const found = previousWall(fields, end + offset);
      const change = zone.lastTransition(
        end,
        Math.max(limit, (found ?? limit) - offset - MARGIN_MS),
      );
      if (change === undefined) return found === undefined ? undefined : found - offset;
      const gapEnd = change.at + change.after;
      const unseen = fields.isInterval ? gapEnd : Math.max(gapEnd, change.at + change.before);
      if (found !== undefined && found >= unseen) return found - offset;
      if (!fields.isInterval) {
        const missed = nextWall(fields, change.at + change.before);
        if (missed !== undefined && missed < gapEnd) return change.at;
      }
      end = change.at - 1_000;
      offset = change.before;
    }
  }

  /** The first wall-clock time at or after an instant that the clock has not shown before. */
  #unseenFrom(instant: number): number {
    const change = this.zone.lastTransition(instant, instant - MARGIN_MS);
    return change === undefined ? Number.NEGATIVE_INFINITY : change.at + change.before;
  }
}
