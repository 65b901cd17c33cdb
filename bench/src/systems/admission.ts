import { circuitBreaker } from "@oppulence/worker-breaker";
import type { AnyPlugin, TaskOptions } from "@oppulence/worker-core";
import { rateLimit } from "@oppulence/worker-ratelimit";

/** What calls go to. */
const API = "api";

/** What a task asks of the plugins that {@link admission} makes. */
export const ADMITTED: TaskOptions = { breaker: { dependency: API }, rateLimit: API };

/** Statements of the two plugins, by their text. */
export const ADMISSION_STATEMENTS = /\b(?:ratelimit|breaker)_/;

/** A limiter and a breaker, as a user would take them, both for {@link ADMITTED} tasks. */
export function admission(maxPerSecond: number): AnyPlugin[] {
  return [
    rateLimit({ limiters: { [API]: { maxPerSecond } } }),
    circuitBreaker({ dependencies: { [API]: {} } }),
  ];
}
