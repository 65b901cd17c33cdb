import { setTimeout as sleep } from "node:timers/promises";

const FIRST_MS = 50;
const LONGEST_MS = 2_000;

/** SQLSTATE classes and socket errors that say "not now", not "not so". */
const PASSING =
  /^(?:08|53|57P|40001|40P01)|^E(?:CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN)$/;

/** Whether an error means that the database is away, busy or changed its mind, and the same statement may pass later. */
export function isPassing(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string" && PASSING.test(code)) return true;
  // pg gives lost connections no code.
  return (
    typeof message === "string" &&
    /Connection terminated|connection timeout|Client has encountered a connection error/i.test(
      message,
    )
  );
}

/**
 * Repeats an idempotent statement while the database is away, with growing pauses.
 *
 * @param signal - ends the repeating; the last error is then thrown
 */
export async function withRetries<T>(statement: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let pause = FIRST_MS; ; pause = Math.min(pause * 2, LONGEST_MS)) {
    try {
      return await statement();
    } catch (error) {
      if (!isPassing(error) || signal.aborted) throw error;
      await sleep(pause * (0.5 + Math.random()), undefined, { signal, ref: true }).catch(() => {});
    }
  }
}
