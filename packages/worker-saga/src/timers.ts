import type { Clock } from "@oppulence/worker-core";

/** Wake a little late: a look before the timer is due finds nothing. */
const LATE_MS = 3;
/** Beyond this the poll is near enough. */
const HORIZON_MS = 60_000;

/** Calls back when times that this process has set come due, instead of at the next poll. */
export class Timers {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  readonly #handles = new Set<unknown>();
  #stopped = false;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  expect(seconds: number): void {
    const ms = seconds * 1_000 + LATE_MS;
    if (this.#stopped || ms > HORIZON_MS) return;
    const handle = this.#clock.setTimeout(() => {
      this.#handles.delete(handle);
      this.#onDue();
    }, ms);
    this.#handles.add(handle);
  }

  stop(): void {
    this.#stopped = true;
    for (const handle of this.#handles) this.#clock.clearTimeout(handle);
    this.#handles.clear();
  }
}
