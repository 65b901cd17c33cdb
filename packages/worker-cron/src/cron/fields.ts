import type { CronFieldName } from "../errors.ts";

/** What a field of an expression may hold. */
export interface FieldSpec {
  readonly name: CronFieldName;
  readonly min: number;
  readonly max: number;
  /** The largest value that `H` may choose: not every month has a 31st. */
  readonly hashMax: number;
  /** Names, from `min` on. */
  readonly names: readonly string[];
}

const MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const DAYS = "SUN MON TUE WED THU FRI SAT".split(" ");

const field = (
  name: CronFieldName,
  min: number,
  max: number,
  names: readonly string[] = [],
  hashMax = max,
): FieldSpec => ({ name, min, max, hashMax, names });

export const SECOND = field("second", 0, 59);
export const MINUTE = field("minute", 0, 59);
export const HOUR = field("hour", 0, 23);
export const DAY_OF_MONTH = field("day of month", 1, 31, [], 28);
export const MONTH = field("month", 1, 12, MONTHS);
/** Sunday is 0, and 7 where it is written so. */
export const DAY_OF_WEEK = field("day of week", 0, 7, DAYS, 6);

/** The six fields in the order in which they are written. */
export const FIELDS = [SECOND, MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK] as const;

/** What `@name` stands for. */
export const MACROS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
  "@minutely": "* * * * *",
  "@secondly": "* * * * * *",
};
