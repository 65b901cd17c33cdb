import { DOWN_MS } from "./almanac.ts";

/** A little below the almanac's own limit, in rate and burst, so that no call of the demo's is told 429. */
export const ALMANAC_LIMITER = { maxPerSecond: 50, burstSize: 10 };

const FAILURES = 3;
const RESET_MS = 500;

/** No more calls are under way than failures are missing to the threshold, which makes {@link MOST_WHILE_DOWN} exact. */
export const ALMANAC_BREAKER = {
  failureThreshold: FAILURES,
  maxUnderWay: FAILURES,
  resetTimeout: RESET_MS,
};

/** Calls that may reach the almanac while it is down: those that open the circuit, then a probe each reset timeout. */
export const MOST_WHILE_DOWN = FAILURES + Math.floor(DOWN_MS / RESET_MS);
