import { setTimeout as sleep } from "node:timers/promises";

const FIRST_MS = 50;
const LONGEST_MS = 2_000;
/** SQLSTATE classes and socket errors that say "not now", not "not so". */
const PASSING =
  /^(?:08|53|57P|40001|40P01)|^E(?:CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN)$/;
const LOST =
  /Connection terminated|connection timeout|Client has encountered a connection error|Client was closed/i;

/** Whether the same work may pass later: the database is away, busy, or chose this transaction to end a deadlock. */
export function isPassing(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string" && PASSING.test(code)) return true;
  return typeof message === "string" && LOST.test(message);
}

/**
 * Repeats work while the database is away, with growing pauses: an outage costs no attempt.
 *
 * @param work - safe to repeat
 * @param signal - ends the repeating
 * @throws the last error once the signal aborted; at once any error that is no passing one
 */
export async function whilePassing<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let pause = FIRST_MS; ; pause = Math.min(pause * 2, LONGEST_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || signal.aborted) throw error;
    }
    await sleep(pause * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
  }
}
