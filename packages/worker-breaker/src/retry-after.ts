import {
  causesOf,
  type Duration,
  hasCode,
  parseDuration,
  readProperty,
} from "@oppulence/worker-core";

/** When a dependency wants to be called again: an instant, or milliseconds from now. */
export type RetryTime = { readonly at: number } | { readonly afterMs: number };

/**
 * What a `RetryAfterError` says, of whichever package: an error, or one of its causes, with the code
 * `RETRY_AFTER` and `at` (a Date) or `after` (a duration).
 */
export function retryTimeOf(error: unknown): RetryTime | undefined {
  for (const each of causesOf(error)) {
    if (!hasCode(each, "RETRY_AFTER")) continue;
    const at = readProperty(each, "at");
    if (at instanceof Date && !Number.isNaN(at.getTime())) return { at: at.getTime() };
    try {
      return { afterMs: parseDuration(readProperty(each, "after") as Duration, "") };
    } catch {
      // It only looks like one.
    }
  }
  return undefined;
}
