import { type Clock, systemClock } from "./clock.ts";

/**
 * Waits for a promise, but not for longer than this; what it does later goes unheard.
 *
 * @param late - makes the error for when the time is up
 * @throws what `late` makes, and what the promise rejects with
 */
export async function settleWithin<T>(
  pending: Promise<T>,
  timeoutMs: number,
  late: () => Error,
  clock: Clock = systemClock,
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  pending.catch(() => {});
  const timer = clock.setTimeout(() => reject(late()), timeoutMs);
  try {
    return await Promise.race([pending, promise]);
  } finally {
    clock.clearTimeout(timer);
  }
}
