/** Lets a few run at a time. */
export type Turns = <T>(body: () => Promise<T>) => Promise<T>;

/**
 * Makes {@link Turns}.
 *
 * @param atOnce - how many run at the same time; the others wait in order
 */
export function createTurns(atOnce: number): Turns {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  return async (body) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await body();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
