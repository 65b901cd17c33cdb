import type { Clock, Query } from "@oppulence/worker-core";

/**
 * The database's clock, told from this machine's: deadlines mean the same in every process.
 *
 * The answer was given between question and receipt; the middle is wrong by half of the round trip at most
 * (F. Cristian, "Probabilistic clock synchronization", Distributed Computing 3, 1989), which is far below
 * what deadlines are made of.
 */
export class DatabaseTime {
  readonly #clock: Clock;
  #offsetMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since the epoch; this machine's until the database has been asked. */
  now(): number {
    return this.#clock.now() + this.#offsetMs;
  }

  /** Asks the database; one round trip. */
  async measure(query: Query): Promise<void> {
    const sentAt = this.#clock.now();
    const [row] = await query<{ ms: number }>(
      "select extract(epoch from clock_timestamp())::float8 * 1000 as ms",
    );
    const receivedAt = this.#clock.now();
    if (row !== undefined) this.#offsetMs = row.ms - (sentAt + receivedAt) / 2;
  }
}
