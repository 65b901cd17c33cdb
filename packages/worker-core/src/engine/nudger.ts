import TinyQueue from "tinyqueue";
import type { Clock } from "../clock.ts";

/** Wakes the pool when jobs that this process deferred come due, instead of at the next poll. */
export interface Nudger {
  /** One more job is due in `inMs`. */
  expect(inMs: number): void;
  stop(): void;
}

/** Jobs due within one such span share a wake-up. */
const GRAIN_MS = 8;
/** Wake a little late: a fetch before the row is due finds nothing. */
const LATE_MS = 2;
/** Beyond this the poll is near enough, and the table of wake-ups stays small. */
const HORIZON_MS = 15 * 60_000;

/**
 * Makes a {@link Nudger} with one timer for the earliest wake-up, whatever their number.
 *
 * @param nudge - tells the pool that this many jobs may be due
 */
export function createNudger(clock: Clock, nudge: (count: number) => void): Nudger {
  const slots = new TinyQueue<number>();
  const jobsBySlot = new Map<number, number>();
  let timer: unknown;
  let stopped = false;

  function arm(): void {
    if (timer !== undefined) clock.clearTimeout(timer);
    const earliest = slots.peek();
    timer =
      earliest === undefined
        ? undefined
        : clock.setTimeout(fire, Math.max(1, earliest * GRAIN_MS - clock.now()));
  }

  function fire(): void {
    const now = clock.now();
    let count = 0;
    for (
      let slot = slots.peek();
      slot !== undefined && slot * GRAIN_MS <= now;
      slot = slots.peek()
    ) {
      count += jobsBySlot.get(slot) ?? 0;
      jobsBySlot.delete(slot);
      slots.pop();
    }
    if (count > 0) nudge(count);
    arm();
  }

  return {
    expect(inMs) {
      if (stopped || inMs > HORIZON_MS) return;
      const slot = Math.ceil((clock.now() + inMs + LATE_MS) / GRAIN_MS);
      const jobs = jobsBySlot.get(slot);
      jobsBySlot.set(slot, (jobs ?? 0) + 1);
      if (jobs !== undefined) return;
      slots.push(slot);
      if (slots.peek() === slot) arm();
    },
    stop() {
      stopped = true;
      if (timer !== undefined) clock.clearTimeout(timer);
    },
  };
}
