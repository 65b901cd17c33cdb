import { type Duration, parseDuration } from "@oppulence/worker-core";

/** When a dependency wants to be called again: an instant, or milliseconds from now. */
export type RetryTime = { readonly at: number } | { readonly afterMs: number };

/** Wrappers around wrappers: deeper causes are not looked at, and a circle of them ends here. */
const DEEPEST = 8;

/** A property of anything that was thrown; undefined where reading it throws. */
export function readProperty(value: unknown, key: string): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null)
    return undefined;
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** An error and its causes, outermost first. */
export function causesOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  let at: unknown = error;
  while (at !== undefined && at !== null && chain.length < DEEPEST && !chain.includes(at)) {
    chain.push(at);
    at = readProperty(at, "cause");
  }
  return chain;
}

/**
 * What a `RetryAfterError` says, of whichever package: an error, or one of its causes, with the code
 * `RETRY_AFTER` and `at` (a Date) or `after` (a duration).
 */
export function retryTimeOf(error: unknown): RetryTime | undefined {
  for (const each of causesOf(error)) {
    if (readProperty(each, "code") !== "RETRY_AFTER") continue;
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
