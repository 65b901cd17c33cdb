import { type Duration, formatDuration, isDuration, parseDuration } from "@oppulence/worker-core";
import { z } from "zod";
import type { Jitter } from "./backoff.ts";

/** Waits longer each time: `base × factor ^ (attempt − 1)`, at most `cap`. */
export interface ExponentialBackoff {
  readonly type: "exponential";
  /** After the first failed attempt. @defaultValue `"1s"` */
  readonly base?: Duration;
  /** 1 to 100. @defaultValue `2` */
  readonly factor?: number;
  /** No wait is longer. @defaultValue `"1h"` */
  readonly cap?: Duration;
  /** @defaultValue `"equal"` */
  readonly jitter?: Jitter;
}

/** Waits for the same time after each attempt. */
export interface FixedBackoff {
  readonly type: "fixed";
  readonly delay: Duration;
  /** @defaultValue `"none"` */
  readonly jitter?: Jitter;
}

/**
 * Decides by itself.
 *
 * @param attempt - the attempt that failed, from 1 on
 * @param error - what the task threw
 * @returns how long to wait; at most 365 days count. What is no duration, or a throw, is logged, and the
 * default back-off holds.
 */
export type BackoffFunction = (attempt: number, error: unknown) => Duration;

/** How long to wait for the next attempt; a list has one wait for each failed attempt, its last one repeats. */
export type Backoff = ExponentialBackoff | FixedBackoff | readonly Duration[] | BackoffFunction;

/**
 * Which errors: names or codes, of the error or one of its causes (`["ECONNRESET", "TimeoutError"]`), or a
 * function. A function that throws is logged, and counts as if the option were not given.
 */
export type ErrorMatch = readonly string[] | ((error: unknown) => boolean);

/** The policy of one task: what a task gives as its option `retry`, over the plugin's own options. */
export interface RetryTaskOptions {
  /**
   * Attempts of a job that does not say itself, the first one included: 1 to 32,767.
   * @defaultValue graphile-worker's 25
   */
  readonly maxAttempts?: number;
  /** Replaced whole by a task that gives one. @defaultValue `{ type: "exponential" }` */
  readonly backoff?: Backoff;
  /** Only these errors are worth another attempt. @defaultValue all */
  readonly retryOn?: ErrorMatch;
  /** These errors are not, whatever `retryOn` says. @defaultValue none */
  readonly giveUpOn?: ErrorMatch;
  /** Also do what `Retry-After` says in the HTTP answer that an error carries. @defaultValue `false` */
  readonly httpRetryAfter?: boolean;
  /**
   * How long an attempt may take before its signal aborts and it fails: 1 ms to 24 days.
   * @defaultValue `false`: as long as it likes
   */
  readonly timeout?: Duration | false;
  /**
   * How late, from when it was due first, a job may still start; later it is skipped.
   * @defaultValue `false`: however late
   */
  readonly expireAfter?: Duration | false;
}

/** What {@link retries} takes: the policy of tasks that have none of their own, and how the plugin works. */
export interface RetryOptions extends RetryTaskOptions {
  /** No `Retry-After` header has a job wait for longer. @defaultValue `"1d"` */
  readonly maxRetryAfter?: Duration;
  /**
   * Whether this worker can be told by other processes to cancel a job. It takes one connection.
   * @defaultValue `true`
   */
  readonly listen?: boolean;
  /** How long `cancel` waits for the workers' answers. @defaultValue `"2s"` */
  readonly cancelTimeout?: Duration;
  /** Jitter's source, from 0 up to but without 1; for tests. Set in code. @defaultValue `Math.random` */
  readonly random?: () => number;
}

/** Longest wait: a job that is due in a year is as good as lost, and far from what a date can hold. */
export const LONGEST_DELAY_MS = parseDuration("365d", "");
/** Timers of Node.js hold 31 bits of milliseconds. */
const LONGEST_TIMEOUT_MS = parseDuration("24d", "");
const LONGEST_CANCEL_MS = parseDuration("1m", "");

const EXAMPLE = 'expected a duration: a number of milliseconds, or a string such as "30s"';

const duration = (leastMs: number, mostMs: number) =>
  z.custom<Duration>(isDuration, EXAMPLE).refine(
    (value) => {
      // The message above has said what is wrong with what is none.
      if (!isDuration(value)) return true;
      const ms = parseDuration(value, "");
      return ms >= leastMs && ms <= mostMs;
    },
    `expected a duration from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}`,
  );
const delay = duration(0, LONGEST_DELAY_MS);
const jitter = z.enum(["none", "full", "equal"]);
const isFunction = (value: unknown) => typeof value === "function";

const backoff = z.union([
  z.custom<BackoffFunction>(isFunction, "expected a function (attempt, error), set in code"),
  z.array(delay).min(1).max(1_000).readonly(),
  z.discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("exponential"),
      base: delay.optional(),
      factor: z.number().min(1).max(100).optional(),
      cap: delay.optional(),
      jitter: jitter.optional(),
    }),
    z.strictObject({ type: z.literal("fixed"), delay, jitter: jitter.optional() }),
  ]),
]);

const errorMatch = z.union([
  z.custom<(error: unknown) => boolean>(isFunction, "expected a function (error), set in code"),
  z.array(z.string().min(1)).readonly(),
]);

const policy = {
  maxAttempts: z.int().min(1).max(32_767).optional(),
  backoff: backoff.optional(),
  retryOn: errorMatch.optional(),
  giveUpOn: errorMatch.optional(),
  httpRetryAfter: z.boolean().optional(),
  timeout: z.union([duration(1, LONGEST_TIMEOUT_MS), z.literal(false)]).optional(),
  expireAfter: z.union([duration(1, LONGEST_DELAY_MS), z.literal(false)]).optional(),
};

/** Checks {@link RetryTaskOptions}: the task option `retry`. */
export const retryTaskOptions = z.strictObject(policy);

/** Checks and completes {@link RetryOptions}. */
export const retryOptions = z.strictObject({
  ...policy,
  maxRetryAfter: delay.default("1d"),
  listen: z.boolean().default(true),
  cancelTimeout: duration(0, LONGEST_CANCEL_MS).default("2s"),
  random: z
    .custom<() => number>(isFunction, "expected a function, set in code")
    .default(() => Math.random),
});

/** {@link RetryOptions} with the plugin's own defaults; those of the policy wait for the task's option. */
export type ResolvedRetryOptions = z.output<typeof retryOptions>;
