/**
 * How a delay is spread, so that a crowd of jobs that failed together does not come back together.
 *
 * From "Exponential Backoff And Jitter" (Marc Brooker, AWS Architecture Blog, 2015): `full` takes any delay
 * from nothing to the whole, which spreads the most; `equal` keeps half of it and spreads the rest, so that
 * no attempt follows at once; `none` leaves it.
 */
export type Jitter = "none" | "full" | "equal";

/** A back-off with everything said, in milliseconds. */
export type ResolvedBackoff =
  | {
      readonly type: "exponential";
      readonly baseMs: number;
      readonly factor: number;
      readonly capMs: number;
      readonly jitter: Jitter;
    }
  | { readonly type: "fixed"; readonly delayMs: number; readonly jitter: Jitter }
  | { readonly type: "list"; readonly delaysMs: readonly number[] };

/**
 * How long to wait before the next attempt.
 *
 * @param attempt - the attempt that failed, from 1 on
 * @param random - from 0 up to, but without, 1
 * @returns whole milliseconds
 */
export function delayMs(backoff: ResolvedBackoff, attempt: number, random: () => number): number {
  switch (backoff.type) {
    case "exponential": {
      const { baseMs, factor, capMs, jitter } = backoff;
      // A power that is too large for a number is infinite, and the cap holds; 0 times that is nothing.
      const grown = baseMs === 0 ? 0 : baseMs * factor ** (attempt - 1);
      return spread(Math.min(capMs, grown), jitter, random);
    }
    case "fixed":
      return spread(backoff.delayMs, backoff.jitter, random);
    case "list": {
      const { delaysMs } = backoff;
      return Math.round(delaysMs[Math.min(attempt, delaysMs.length) - 1] ?? 0);
    }
  }
}

function spread(ms: number, jitter: Jitter, random: () => number): number {
  switch (jitter) {
    case "none":
      return Math.round(ms);
    case "full":
      return Math.round(random() * ms);
    case "equal":
      return Math.round(ms / 2 + random() * (ms / 2));
  }
}
