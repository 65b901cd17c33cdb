import { type Clock, messageOf } from "@oppulence/worker-core";
import { DlqTimeoutError } from "./errors.ts";

/** How long a call of the user's code may take, and what else ends it. */
export interface Bound {
  /** Named in the error. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Ends the call early. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Calls the user's code, for a bounded time. Code that ignores its signal goes on, unheard.
 *
 * @throws DlqTimeoutError when the time is up; what the call throws; the signal's reason when it aborts
 */
export async function callBounded<T>(
  call: (signal: AbortSignal) => T | Promise<T>,
  { what, timeoutMs, clock, signal }: Bound,
): Promise<T> {
  signal?.throwIfAborted();
  const ending = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  const end = (reason: unknown) => {
    ending.abort(reason);
    reject(reason);
  };
  const stop = () => end(signal?.reason);
  const timer = clock.setTimeout(() => end(new DlqTimeoutError(what, timeoutMs)), timeoutMs);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const pending = Promise.resolve(call(ending.signal));
    // It may end after its time, when nobody listens any more.
    pending.catch(() => {});
    return await Promise.race([pending, promise]);
  } finally {
    clock.clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** The text of what was thrown, of bounded length. */
export function shortMessage(error: unknown): string {
  return messageOf(error).slice(0, 500);
}
