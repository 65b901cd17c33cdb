import type { Clock } from "@oppulence/worker-core";

/**
 * The store's clock, told from this machine's. Each answer says between which two moments here the store's clock
 * stood at what it says; the estimate moves no further than that asks (K. Marzullo, "Maintaining the time in a
 * distributed system", 1984), so that a slow answer does not spoil a better one before.
 */
export class StoreClock {
  readonly #clock: Pick<Clock, "now">;
  #offsetMs: number | undefined;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Milliseconds since the epoch; this machine's until the store has answered. */
  now(): number {
    return this.#clock.now() + (this.#offsetMs ?? 0);
  }

  /** Remembers when a question is asked; call what it returns with the store's answer. */
  ask(): (storeNow: number) => void {
    const sentAt = this.#clock.now();
    return (storeNow) => {
      const most = storeNow - sentAt;
      const least = storeNow - this.#clock.now();
      this.#offsetMs = Math.min(most, Math.max(least, this.#offsetMs ?? (least + most) / 2));
    };
  }
}
