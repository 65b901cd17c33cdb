/** Collects calls and answers them together. */
export type Batched<TItem, TAnswer> = (item: TItem) => Promise<TAnswer>;

interface Waiting<TItem, TAnswer> {
  readonly item: TItem;
  readonly resolve: (answer: TAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Turns a function of many into a function of one. Calls of the same tick share one flush; while a flush is
 * under way, later calls gather for the next, so a slow database sees few large statements, not many small.
 *
 * @param flush - answers all items, in order
 * @param maxSize - most items a flush
 */
export function createBatcher<TItem, TAnswer>(
  flush: (items: readonly TItem[]) => Promise<readonly TAnswer[]>,
  maxSize = 1_000,
): Batched<TItem, TAnswer> {
  let waiting: Waiting<TItem, TAnswer>[] = [];
  let busy = false;

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.length > maxSize ? waiting.splice(0, maxSize) : waiting;
      if (batch === waiting) waiting = [];
      try {
        const answers = await flush(batch.map(({ item }) => item));
        for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as TAnswer);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    busy = false;
  }

  return (item) =>
    new Promise<TAnswer>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!busy) {
        busy = true;
        setImmediate(run);
      }
    });
}
