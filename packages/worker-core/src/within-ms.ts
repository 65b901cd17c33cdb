import { setTimeout as sleep } from "node:timers/promises";

/** Waits for a promise, but not for longer than this; whether it settled. A rejection counts as settled. */
export async function withinMs(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const bound = new AbortController();
  const timer = sleep(Math.max(0, ms), false, { signal: bound.signal }).catch(() => false);
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, timer]);
  } finally {
    bound.abort();
  }
}
