/** The nth weekday of a month; the last one for `"L"`. */
export interface NthWeekday {
  readonly weekday: number;
  readonly nth: number | "L";
}

/** An expression, read: which values each field has. */
export interface CronFields {
  /** As given, after macros and `H` were resolved: reading it again gives the same. */
  readonly canonical: string;
  /** Ascending, as the others. */
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: readonly boolean[];
  readonly days: DaysOfMonth;
  readonly weekdays: Weekdays;
  /**
   * A `*`, range or step in hours or minutes. An interval fires in both of an hour that occurs twice; a fixed
   * time fires once.
   */
  readonly isInterval: boolean;
}

/** Which days of a month. */
export interface DaysOfMonth {
  /** Written with a `*` or `?` in front: then a day must match this and the weekday, else either. */
  readonly isWild: boolean;
  /** By day, from 1. */
  readonly set: readonly boolean[];
  /** Days counted back from the last one: 0 is the last. */
  readonly fromLast: readonly number[];
  /** The working day nearest to each of these days; `"L"` is the last of the month. */
  readonly nearest: readonly (number | "L")[];
}

/** Which days of a week. */
export interface Weekdays {
  readonly isWild: boolean;
  /** By weekday, Sunday is 0. */
  readonly set: readonly boolean[];
  readonly nth: readonly NthWeekday[];
}
