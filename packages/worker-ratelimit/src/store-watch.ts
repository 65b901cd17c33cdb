import { type Clock, messageOf, type PluginHost } from "@oppulence/worker-core";
import { LimitStoreError } from "./errors.ts";
import type { RateLimitMetrics } from "./metrics.ts";

/** What {@link StoreWatch} needs. */
export interface StoreWatchInput {
  readonly clock: Clock;
  readonly logger: PluginHost["logger"];
  readonly metrics: Pick<RateLimitMetrics, "errors">;
}

/** After a failure nobody but one asks for so long: slots are not spent on waiting. */
const PAUSE_MS = 500;
const LOG_EVERY_MS = 10_000;

/** Whether the store answers. */
export class StoreWatch {
  readonly #input: StoreWatchInput;
  readonly #loggedAt = new Map<string, number>();
  #failedAt: number | undefined;
  #problem: string | undefined;

  constructor(input: StoreWatchInput) {
    this.#input = input;
  }

  /** What is wrong since the store last answered; undefined while nothing is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** @throws LimitStoreError when the store did not answer a moment ago */
  assertThere(): void {
    if (this.#failedAt === undefined) return;
    const now = this.#input.clock.now();
    if (now - this.#failedAt < PAUSE_MS)
      throw new LimitStoreError(`the store did not answer a moment ago: ${this.#problem}`);
    // This one finds out; the others go on waiting.
    this.#failedAt = now;
  }

  answered(): void {
    this.#failedAt = undefined;
    this.#problem = undefined;
  }

  failed(error: unknown): void {
    this.#failedAt = this.#input.clock.now();
    this.#problem = messageOf(error);
  }

  /** Counts and logs what failed without failing a job; of one kind only every so often. */
  report(what: string, message: string, error: unknown): void {
    const { clock, logger, metrics } = this.#input;
    metrics.errors.add(1, { what });
    const now = clock.now();
    const last = this.#loggedAt.get(what);
    if (last !== undefined && now - last < LOG_EVERY_MS) return;
    this.#loggedAt.set(what, now);
    logger.error(`plugin rateLimit: ${message}: ${messageOf(error)}`, { error });
  }
}
