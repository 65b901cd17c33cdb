import type { Clock } from "@oppulence/worker-core";

/** Rejects with what `late` makes when a promise does not settle in time; what it does later goes unheard. */
export async function within<T>(
  clock: Clock,
  pending: T | Promise<T>,
  timeoutMs: number,
  late: () => Error,
): Promise<T> {
  if (!(pending instanceof Promise)) return pending;
  const { promise, reject } = Promise.withResolvers<never>();
  pending.catch(() => {});
  const timer = clock.setTimeout(() => reject(late()), timeoutMs);
  try {
    return await Promise.race([pending, promise]);
  } finally {
    clock.clearTimeout(timer);
  }
}
