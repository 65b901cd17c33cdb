import { setTimeout as sleep } from "node:timers/promises";

const FIRST_MS = 50;
const LONGEST_MS = 2_000;

/** SQLSTATE classes and socket errors that say "not now", not "not so". */
const PASSING =
  /^(?:08|53|57P|40001|40P01)|^E(?:CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN)$/;
/** `pg` gives lost connections no code. */
const LOST =
  /Connection terminated|connection timeout|Client has encountered a connection error|Client was closed/i;

/**
 * Whether an error means that the database is away, busy or changed its mind, and the same statement may
 * pass later.
 */
export function isPassing(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string" && PASSING.test(code)) return true;
  return typeof message === "string" && LOST.test(message);
}

/**
 * Pauses that grow, as turns of a loop; it ends when the signal aborts, which also ends a pause.
 *
 * Half of each is random, so that a restarted server is not met by everybody at once.
 */
async function* pauses(signal: AbortSignal): AsyncGenerator<number> {
  let pause = FIRST_MS;
  for (let turn = 1; !signal.aborted; turn++) {
    await sleep(pause * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
    yield turn;
    pause = Math.min(pause * 2, LONGEST_MS);
  }
}

/**
 * Repeats a statement while the database is away.
 *
 * @param statement - safe to repeat; told how often it has failed
 * @param signal - ends the repeating, after one last try
 * @throws the last error once the signal aborted, and at once any error that is no passing one
 */
export async function withRetries<T>(
  statement: (failures: number) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  let last: unknown;
  try {
    return await statement(0);
  } catch (error) {
    if (!isPassing(error)) throw error;
    last = error;
  }
  for await (const failures of pauses(signal)) {
    try {
      return await statement(failures);
    } catch (error) {
      if (!isPassing(error)) throw error;
      last = error;
    }
  }
  throw last;
}
