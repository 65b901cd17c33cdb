export type { Jitter } from "./backoff.ts";
export {
  type FromHeaderOptions,
  isJobCancelledError,
  isJobTimeoutError,
  isNonRetryableError,
  isRetryAfterError,
  JobCancelledError,
  JobTimeoutError,
  NonRetryableError,
  RetryAfterError,
  type RetryTime,
} from "./errors.ts";
export type {
  Backoff,
  BackoffFunction,
  ErrorMatch,
  ExponentialBackoff,
  FixedBackoff,
  ResolvedRetryOptions,
  RetryOptions,
  RetryTaskOptions,
} from "./options.ts";
export { type RetryApi, type RetryPlugin, retries } from "./plugin.ts";
export type { RetryAfterSettings } from "./retry-after.ts";
export type { StuckJob } from "./timeout.ts";
