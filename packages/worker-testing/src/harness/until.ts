const SHORTEST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/** How {@link until} learns that it is worth looking again. */
export interface UntilOptions {
  readonly timeoutMs: number;
  /** Calls back whenever something happened; returns how to stop that. */
  readonly onChange?: (listener: () => void) => () => void;
}

/**
 * Looks until a condition holds: again after everything that happens, and in growing intervals, since other
 * processes change the database without a word.
 *
 * @param check - answers undefined while the condition does not hold
 * @returns what `check` answered; undefined when the time was up
 */
export async function until<T>(
  check: () => Promise<T | undefined>,
  { timeoutMs, onChange = () => () => {} }: UntilOptions,
): Promise<T | undefined> {
  const deadline = Date.now() + timeoutMs;
  let wake = () => {};
  // What happens during a look must not be missed: it may have come too late for that look.
  let changed = false;
  const stop = onChange(() => {
    changed = true;
    wake();
  });
  try {
    for (let pause = SHORTEST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
      changed = false;
      const answer = await check();
      if (answer !== undefined) return answer;
      const left = deadline - Date.now();
      if (left <= 0) return undefined;
      if (changed) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(pause, left));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    stop();
  }
}
