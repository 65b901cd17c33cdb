/** Drift that is allowed for between two clocks, per millisecond: 200 ppm, twice that of a bad crystal. */
const DRIFT = 0.0002;

/** One look at the database's clock, in milliseconds. */
export interface ClockReading {
  /** The local monotonic clock when the question was sent. */
  readonly sentAt: number;
  /** The local monotonic clock when the answer was there. */
  readonly receivedAt: number;
  /** The database's answer, since the epoch. */
  readonly databaseMs: number;
}

/**
 * The database's clock, told from the local monotonic one.
 *
 * Cristian's algorithm: the answer was given between question and receipt, so the middle is wrong by half
 * of the round trip at most. The best reading is kept until drift has made it worse than a new one.
 *
 * F. Cristian, "Probabilistic clock synchronization", Distributed Computing 3 (1989).
 */
export class DatabaseClock {
  readonly #monotonic: () => number;
  #offset = Number.NaN;
  #errorMs = Number.POSITIVE_INFINITY;
  #readAt = 0;

  /** @param monotonic - milliseconds that never go back */
  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** Milliseconds since the epoch by the database's clock; not a number before the first reading. */
  now(): number {
    return this.#monotonic() + this.#offset;
  }

  /** By how much `now()` may be wrong at this moment, in milliseconds. */
  errorMs(): number {
    return this.#errorMs + (this.#monotonic() - this.#readAt) * DRIFT;
  }

  /** Takes a reading in, if it is better than what is known. */
  read({ sentAt, receivedAt, databaseMs }: ClockReading): void {
    const errorMs = (receivedAt - sentAt) / 2;
    const middle = sentAt + errorMs;
    const apart = Math.abs(databaseMs - (middle + this.#offset));
    // Further apart than both errors allow: the database's clock was set, and what is known is wrong.
    const stepped = apart > errorMs + this.errorMs();
    if (errorMs > this.errorMs() && !stepped) return;
    this.#offset = databaseMs - middle;
    this.#errorMs = errorMs;
    this.#readAt = receivedAt;
  }
}
