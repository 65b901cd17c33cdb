import { type Clock, type Duration, parseDuration } from "@oppulence/worker-core";

/** A {@link Clock} that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Timers that have neither fired nor been cleared. */
  readonly pending: number;
  /**
   * Moves the clock forward and fires the timers that come due on the way, in the order of their instants
   * (those of one instant in the order in which they were set), each at its own instant. After every timer
   * it lets promises settle, so that timers set by what a timer resolved fire too if they are due.
   *
   * What a timer throws is thrown here, with the clock at that timer's instant.
   *
   * @param duration - how far; `0` fires what is due now
   */
  advance(duration: Duration): Promise<void>;
  /** The same without letting promises settle, for code that is synchronous throughout. */
  advanceSync(duration: Duration): void;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * Makes a {@link FakeClock}, to be passed as `clock` to a worker, a client or an algorithm.
 *
 * It is for algorithms only: what several processes must agree on comes from the database, whose clock
 * cannot be faked.
 *
 * @param start - what `now()` says at first: milliseconds since the epoch or a Date
 * @defaultValue `2030-01-01T00:00:00Z`
 *
 * @example
 * ```ts
 * const clock = createFakeClock();
 * clock.setTimeout(() => console.log("due"), 1_000);
 * await clock.advance("1s");
 * ```
 */
export function createFakeClock(start: number | Date = Date.UTC(2030, 0, 1)): FakeClock {
  const timers = new Set<Timer>();
  let now = start.valueOf();
  let order = 0;

  function next(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of timers) {
      if (timer.at > until) continue;
      const isEarlier =
        first === undefined ||
        timer.at < first.at ||
        (timer.at === first.at && timer.order < first.order);
      if (isEarlier) first = timer;
    }
    return first;
  }

  function fire(timer: Timer): void {
    timers.delete(timer);
    now = Math.max(now, timer.at);
    timer.callback();
  }

  return {
    now: () => now,
    setTimeout(callback, ms) {
      const timer = { at: now + Math.max(0, ms), order: order++, callback };
      timers.add(timer);
      return timer;
    },
    clearTimeout(handle) {
      timers.delete(handle as Timer);
    },
    get pending() {
      return timers.size;
    },
    async advance(duration) {
      const until = now + parseDuration(duration, "advance");
      await settled();
      for (let timer = next(until); timer !== undefined; timer = next(until)) {
        fire(timer);
        await settled();
      }
      now = until;
    },
    advanceSync(duration) {
      const until = now + parseDuration(duration, "advanceSync");
      for (let timer = next(until); timer !== undefined; timer = next(until)) fire(timer);
      now = until;
    },
  };
}

/** All promises that need no I/O have settled once the event loop has gone round. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
