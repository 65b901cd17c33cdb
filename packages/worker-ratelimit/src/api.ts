import type { Acquired, AcquireOptions, Calls } from "./calls.ts";
import type { LimitsApi } from "./limits-api.ts";

/** `worker.plugins.rateLimit`, in a worker and in a client. */
export interface RateLimitApi {
  /**
   * Waits until a limiter lets a call go that is no job: in a web server, or a script. Counted together with jobs, and
   * in one line with them. Calls wait whatever the limiter's `onLimit` is, up to their timeout.
   *
   * A place is given back by `release`, or at the end of a `using`; if the process dies, when its lease ends.
   *
   * @param limiter - a name in the plugin's `limiters`, or of a task's own limiter
   * @throws UnknownLimiterError, RateLimitKeyError, RateLimitUnitsError, InvalidLimitsError; RateLimitedError when its
   * turn would come later than the timeout; AcquireTimeoutError when a place did not come within it; LimitStoreError;
   * the signal's reason. Nothing is held then
   */
  acquire(limiter: string, options?: AcquireOptions): Promise<Acquired>;
  /** Limits at run time, for all processes. */
  readonly limits: LimitsApi;
}

/** Makes the API. */
export function createApi({
  calls,
  limits,
}: {
  readonly calls: Calls;
  readonly limits: LimitsApi;
}): RateLimitApi {
  return { acquire: (limiter, options) => calls.acquire(limiter, options), limits };
}
