import type { Batched, Clock } from "@oppulence/worker-core";

/** Calls of a batch. */
const MOST_AT_ONCE = 200;
/**
 * So many calls are worth a flush beside one that is under way: most of what a flush costs is the same for one call and
 * for twenty.
 */
const WORTH = 8;
const BESIDE = 2;
/** A flush that takes longer waits for somebody who holds what it needs; the calls behind it need not. */
const LATE_MS = 20;
const MOST_LATE = 4;

interface Waiting<T, A> {
  readonly item: T;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Turns a function of many into a function of one, as the core's batcher does, but with a second flush where there is
 * enough for one, and further ones where the first is held up.
 *
 * @param flush - answers all items, in order; an answer that is an error is that one's
 */
export function inFlights<T, A>(
  flush: (items: readonly T[]) => Promise<readonly (A | Error)[]>,
  clock: Pick<Clock, "now" | "setTimeout">,
): Batched<T, A> {
  let waiting: Waiting<T, A>[] = [];
  const began = new Set<{ readonly at: number }>();
  let isAsked = false;

  function ask(): void {
    if (isAsked || waiting.length === 0) return;
    isAsked = true;
    setImmediate(() => {
      isAsked = false;
      start();
    });
  }

  function start(): void {
    if (waiting.length === 0) return;
    const now = clock.now();
    const late = [...began].filter(({ at }) => now - at >= LATE_MS).length;
    const prompt = began.size - late;
    if (late < MOST_LATE && (prompt === 0 || (prompt < BESIDE && waiting.length >= WORTH)))
      return void run();
    if (late < MOST_LATE) clock.setTimeout(ask, LATE_MS);
  }

  async function run(): Promise<void> {
    const flight = { at: clock.now() };
    began.add(flight);
    const batch = waiting.slice(0, MOST_AT_ONCE);
    waiting = waiting.slice(MOST_AT_ONCE);
    ask();
    try {
      const answers = await flush(batch.map(({ item }) => item));
      for (const [index, { resolve, reject }] of batch.entries()) {
        const answer = answers[index] as A | Error;
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    began.delete(flight);
    ask();
  }

  return (item) =>
    new Promise<A>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      ask();
    });
}
