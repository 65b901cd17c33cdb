import { type Duration, formatDuration, hasCode, parseDuration } from "@oppulence/worker-core";
import { type RetryAfterSettings, readRetryAfter } from "./retry-after.ts";

/**
 * Thrown by a task to say that another attempt would fail as well: the job gets no more of them.
 *
 * It counts through wrappers: an error whose `cause` it is gets no more attempts either.
 *
 * @example
 * throw new NonRetryableError("the card was refused", { cause: error });
 */
export class NonRetryableError extends Error {
  readonly code = "NOT_RETRYABLE";
  override readonly name = "NonRetryableError";
}

/** Whether an error is a {@link NonRetryableError}, of whichever copy of the package. */
export function isNonRetryableError(error: unknown): error is NonRetryableError {
  return hasCode(error, "NOT_RETRYABLE");
}

/** When the next attempt is due: an instant, or a time from the failure on by the database's clock. */
export type RetryTime = { readonly after: Duration } | { readonly at: Date };

/** What {@link RetryAfterError.fromHeader} may be told besides. */
export interface FromHeaderOptions extends RetryAfterSettings {
  /** @defaultValue `"told to retry after 30s"` */
  readonly message?: string;
  readonly cause?: unknown;
}

/**
 * Thrown by a task that knows when it is worth another attempt. The attempt counts; the next one is due at
 * that time in place of the back-off's. Without effect on the last attempt. It counts through wrappers,
 * like {@link NonRetryableError}; the outermost of the two decides.
 *
 * @example
 * throw new RetryAfterError("the API is closed on Sundays", { at: monday });
 */
export class RetryAfterError extends Error {
  readonly code = "RETRY_AFTER";
  override readonly name = "RetryAfterError";
  /** From the failure on; undefined when `at` is given. */
  readonly after: Duration | undefined;
  /** Undefined when `after` is given. */
  readonly at: Date | undefined;

  /**
   * @param message - what went wrong
   * @param time - when the next attempt is due
   * @throws InvalidDurationError, RangeError for a time that is none
   */
  constructor(message: string, time: RetryTime, options?: ErrorOptions) {
    super(message, options);
    if ("at" in time) {
      if (!(time.at instanceof Date) || Number.isNaN(time.at.getTime()))
        throw new RangeError(
          `RetryAfterError, at: got ${String(time.at)}; it is a valid Date, or give after: a duration`,
        );
      this.at = time.at;
    } else {
      parseDuration(time.after, "RetryAfterError, after");
      this.after = time.after;
    }
  }

  /**
   * Reads the HTTP header `Retry-After`: seconds, or an HTTP date (RFC 9110, 10.2.3).
   *
   * @param header - the header's value
   * @returns the error to throw, clamped to `max`; undefined when the header is missing or is neither
   *
   * @example
   * throw RetryAfterError.fromHeader(response.headers.get("retry-after")) ?? new Error("HTTP 503");
   */
  static fromHeader(
    header: string | number | null | undefined,
    { message, cause, ...settings }: FromHeaderOptions = {},
  ): RetryAfterError | undefined {
    const afterMs = readRetryAfter(header, settings);
    if (afterMs === undefined) return undefined;
    const text = message ?? `told to retry after ${formatDuration(afterMs)}`;
    return new RetryAfterError(text, { after: afterMs }, cause === undefined ? {} : { cause });
  }
}

/** Whether an error is a {@link RetryAfterError}, of whichever copy of the package. */
export function isRetryAfterError(error: unknown): error is RetryAfterError {
  return hasCode(error, "RETRY_AFTER");
}

/** An attempt took longer than its task's `timeout`: the reason of the job's signal, and the attempt's error. */
export class JobTimeoutError extends Error {
  readonly code = "JOB_TIMEOUT";
  override readonly name = "JobTimeoutError";
  readonly jobId: string;
  /** The task identifier. */
  readonly task: string;
  readonly timeoutMs: number;

  constructor(jobId: string, task: string, timeoutMs: number) {
    super(
      `task ${JSON.stringify(task)} took longer than its timeout of ${formatDuration(timeoutMs)}`,
    );
    this.jobId = jobId;
    this.task = task;
    this.timeoutMs = timeoutMs;
  }
}

/** Whether an error is a {@link JobTimeoutError}, of whichever copy of the package. */
export function isJobTimeoutError(error: unknown): error is JobTimeoutError {
  return hasCode(error, "JOB_TIMEOUT");
}

/** What whoever cancels without saying why says; the core's `cancel` has the same. */
export const NO_REASON = "cancelled";

/** Says that something was cancelled, and why if that is known. */
export function cancelMessage(reason: string): string {
  return reason === NO_REASON ? "cancelled" : `cancelled: ${reason}`;
}

/** A running job was cancelled: the reason of its signal. */
export class JobCancelledError extends Error {
  readonly code = "JOB_CANCELLED";
  override readonly name = "JobCancelledError";
  readonly jobId: string;
  /** What whoever cancelled it said. */
  readonly reason: string;

  constructor(jobId: string, reason: string) {
    super(`job ${jobId} was ${cancelMessage(reason)}`);
    this.jobId = jobId;
    this.reason = reason;
  }
}

/** Whether an error is a {@link JobCancelledError}, of whichever copy of the package. */
export function isJobCancelledError(error: unknown): error is JobCancelledError {
  return hasCode(error, "JOB_CANCELLED");
}
