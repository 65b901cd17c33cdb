import type { PluginHost } from "@oppulence/worker-core";
import type { DatabaseClock } from "./database-clock.ts";

const SYNC_EVERY_MS = 60_000;
/** Readings each time; the quickest counts. */
const READINGS = 3;

/** Keeps a {@link DatabaseClock} true: three short queries at start and every minute. */
export class ClockSync {
  readonly #host: PluginHost<unknown>;
  readonly #clock: DatabaseClock;
  #timer: unknown;
  #stopped = false;

  constructor(host: PluginHost<unknown>, clock: DatabaseClock) {
    this.#host = host;
    this.#clock = clock;
  }

  /** Reads the database's clock, and goes on doing so. A failure is no error: the next minute tries again. */
  async run(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      this.#host.logger.debug(
        "could not read the database's clock; wait times lack the local part",
        { error },
      );
    }
    if (!this.#stopped)
      this.#timer = this.#host.clock.setTimeout(() => void this.run(), SYNC_EVERY_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#host.clock.clearTimeout(this.#timer);
  }

  async #read(): Promise<void> {
    // One connection for all: waiting for one must not count as part of the round trip.
    const client = await this.#host.pool.connect();
    let broken: Error | undefined;
    try {
      for (let reading = 0; reading < READINGS; reading++) {
        const sentAt = performance.now();
        const { rows } = await client.query<{ ms: number }>(
          "select extract(epoch from clock_timestamp())::float8 * 1000 as ms",
        );
        const receivedAt = performance.now();
        this.#clock.read({ sentAt, receivedAt, databaseMs: rows[0]?.ms as number });
      }
    } catch (error) {
      broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
  }
}
