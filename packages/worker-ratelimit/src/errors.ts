/** The code that something which was thrown carries, if any. */
function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null
    ? (error as { code?: unknown }).code
    : undefined;
}

/** Which limiter, and which of its keys. */
export interface LimiterRef {
  readonly limiter: string;
  /** `""` for a limiter without keys. */
  readonly key: string;
}

/** A caller outside jobs was over the limit and was not to wait, or would have waited too long. */
export class RateLimitedError extends Error implements LimiterRef {
  readonly code = "RATE_LIMITED";
  override readonly name = "RateLimitedError";
  readonly limiter: string;
  readonly key: string;
  /** When there will be room, from now; undefined for a place, which nobody can foresee. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, { limiter, key }: LimiterRef, retryAfterMs: number | undefined) {
    super(message);
    this.limiter = limiter;
    this.key = key;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Whether an error is a {@link RateLimitedError}, of whichever copy of the package. */
export function isRateLimitedError(error: unknown): error is RateLimitedError {
  return codeOf(error) === "RATE_LIMITED";
}

/** A caller outside jobs waited for its turn, and the turn did not come within its timeout. It has left the line. */
export class AcquireTimeoutError extends Error implements LimiterRef {
  readonly code = "ACQUIRE_TIMEOUT";
  override readonly name = "AcquireTimeoutError";
  readonly limiter: string;
  readonly key: string;
  readonly timeoutMs: number;

  constructor({ limiter, key }: LimiterRef, timeoutMs: number) {
    const of = key === "" ? "" : `, key ${JSON.stringify(key)}`;
    super(`limiter ${JSON.stringify(limiter)}${of}: no turn came within ${timeoutMs} ms`);
    this.limiter = limiter;
    this.key = key;
    this.timeoutMs = timeoutMs;
  }
}

/** Whether an error is an {@link AcquireTimeoutError}, of whichever copy of the package. */
export function isAcquireTimeoutError(error: unknown): error is AcquireTimeoutError {
  return codeOf(error) === "ACQUIRE_TIMEOUT";
}

/** The store gave no answer in time: whether it took effect is not known. */
export class LimitStoreError extends Error {
  readonly code = "LIMIT_STORE_UNREACHABLE";
  override readonly name = "LimitStoreError";
}

/** Whether an error is a {@link LimitStoreError}, of whichever copy of the package. */
export function isLimitStoreError(error: unknown): error is LimitStoreError {
  return codeOf(error) === "LIMIT_STORE_UNREACHABLE";
}

/** No limiter has the name. */
export class UnknownLimiterError extends Error {
  readonly code = "UNKNOWN_LIMITER";
  override readonly name = "UnknownLimiterError";
  readonly limiter: string;

  constructor(limiter: string, hint: string) {
    super(`no limiter has the name ${JSON.stringify(limiter)}${hint}`);
    this.limiter = limiter;
  }
}

/** Whether an error is an {@link UnknownLimiterError}, of whichever copy of the package. */
export function isUnknownLimiterError(error: unknown): error is UnknownLimiterError {
  return codeOf(error) === "UNKNOWN_LIMITER";
}

/** A limiter's key function threw, or said what is no key. The job can never start: it fails for good. */
export class RateLimitKeyError extends Error {
  readonly code = "RATE_LIMIT_KEY";
  override readonly name = "RateLimitKeyError";
  readonly limiter: string;

  constructor(limiter: string, problem: string, options?: ErrorOptions) {
    super(`limiter ${JSON.stringify(limiter)}: ${problem}`, options);
    this.limiter = limiter;
  }
}

/** Whether an error is a {@link RateLimitKeyError}, of whichever copy of the package. */
export function isRateLimitKeyError(error: unknown): error is RateLimitKeyError {
  return codeOf(error) === "RATE_LIMIT_KEY";
}

/** Units that are none, or more than could ever start at once. The job can never start: it fails for good. */
export class RateLimitUnitsError extends Error {
  readonly code = "RATE_LIMIT_UNITS";
  override readonly name = "RateLimitUnitsError";
  readonly limiter: string;

  constructor(limiter: string, problem: string, options?: ErrorOptions) {
    super(`limiter ${JSON.stringify(limiter)}: ${problem}`, options);
    this.limiter = limiter;
  }
}

/** Whether an error is a {@link RateLimitUnitsError}, of whichever copy of the package. */
export function isRateLimitUnitsError(error: unknown): error is RateLimitUnitsError {
  return codeOf(error) === "RATE_LIMIT_UNITS";
}

/** Whether a job that met this error can never start, so that it fails for good instead of being deferred. */
export function isHopeless(error: unknown): error is RateLimitKeyError | RateLimitUnitsError {
  return isRateLimitKeyError(error) || isRateLimitUnitsError(error);
}

/** Limits that are none: from a `limits` function, or set at run time. Jobs that meet it are deferred: code can be fixed. */
export class InvalidLimitsError extends Error {
  readonly code = "INVALID_LIMITS";
  override readonly name = "InvalidLimitsError";
  readonly limiter: string;

  constructor(limiter: string, problem: string, options?: ErrorOptions) {
    super(`limiter ${JSON.stringify(limiter)}: ${problem}`, options);
    this.limiter = limiter;
  }
}

/** Whether an error is an {@link InvalidLimitsError}, of whichever copy of the package. */
export function isInvalidLimitsError(error: unknown): error is InvalidLimitsError {
  return codeOf(error) === "INVALID_LIMITS";
}
