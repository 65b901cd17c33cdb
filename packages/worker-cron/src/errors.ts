import { hasCode } from "@oppulence/worker-core";

/** A field of an expression, as messages name it. */
export type CronFieldName =
  | "second"
  | "minute"
  | "hour"
  | "day of month"
  | "month"
  | "day of week"
  | "expression";

/** An expression cannot be read, or never fires. */
export class InvalidCronError extends Error {
  readonly code = "INVALID_CRON";
  override readonly name = "InvalidCronError";
  readonly expression: string;
  readonly field: CronFieldName;
  /** Of the first character that is wrong, from 1. */
  readonly position: number;

  constructor(expression: string, field: CronFieldName, position: number, problem: string) {
    super(`${JSON.stringify(expression)}, ${field} (position ${position}): ${problem}`);
    this.expression = expression;
    this.field = field;
    this.position = position;
  }
}

/** Whether an error is an {@link InvalidCronError}, of whichever copy of the package. */
export function isInvalidCronError(error: unknown): error is InvalidCronError {
  return hasCode(error, "INVALID_CRON");
}

/** A time zone is not known. */
export class UnknownTimezoneError extends Error {
  readonly code = "UNKNOWN_TIMEZONE";
  override readonly name = "UnknownTimezoneError";
  readonly timezone: string;

  constructor(timezone: string, hint: string) {
    super(`got ${JSON.stringify(timezone)}${hint}; it is an IANA name such as "Europe/Berlin"`);
    this.timezone = timezone;
  }
}

/** Whether an error is an {@link UnknownTimezoneError}, of whichever copy of the package. */
export function isUnknownTimezoneError(error: unknown): error is UnknownTimezoneError {
  return hasCode(error, "UNKNOWN_TIMEZONE");
}

/** A schedule, or what is to be done with one, is wrong. */
export class InvalidScheduleError extends Error {
  readonly code = "INVALID_SCHEDULE";
  override readonly name = "InvalidScheduleError";
  readonly key: string;
  /** One sentence each. */
  readonly problems: readonly string[];

  constructor(key: string, problems: readonly string[], options?: ErrorOptions) {
    super(`schedule ${JSON.stringify(key)}: ${problems.join("; ")}`, options);
    this.key = key;
    this.problems = problems;
  }
}

/** Whether an error is an {@link InvalidScheduleError}, of whichever copy of the package. */
export function isInvalidScheduleError(error: unknown): error is InvalidScheduleError {
  return hasCode(error, "INVALID_SCHEDULE");
}

/** No schedule has the key. */
export class UnknownScheduleError extends Error {
  readonly code = "UNKNOWN_SCHEDULE";
  override readonly name = "UnknownScheduleError";
  readonly key: string;

  constructor(key: string, hint = "") {
    super(`no schedule has the key ${JSON.stringify(key)}${hint}`);
    this.key = key;
  }
}

/** Whether an error is an {@link UnknownScheduleError}, of whichever copy of the package. */
export function isUnknownScheduleError(error: unknown): error is UnknownScheduleError {
  return hasCode(error, "UNKNOWN_SCHEDULE");
}

/** A handler, or `buildPayload`, did not settle within its time. */
export class ScheduleTimeoutError extends Error {
  readonly code = "SCHEDULE_TIMEOUT";
  override readonly name = "ScheduleTimeoutError";
  readonly key: string;
  readonly timeoutMs: number;

  constructor(key: string, what: string, timeoutMs: number) {
    super(`schedule ${JSON.stringify(key)}: ${what} did not settle within ${timeoutMs} ms`);
    this.key = key;
    this.timeoutMs = timeoutMs;
  }
}

/** Whether an error is a {@link ScheduleTimeoutError}, of whichever copy of the package. */
export function isScheduleTimeoutError(error: unknown): error is ScheduleTimeoutError {
  return hasCode(error, "SCHEDULE_TIMEOUT");
}
