import type { Clock, Depth } from "@oppulence/worker-core";

/** One sample of the queue's depth. */
export interface DepthSample extends Depth {
  /** When it was asked for, in milliseconds since the epoch by this machine's clock. */
  readonly takenAt: number;
}

/** What a {@link DepthSampler} needs. */
export interface DepthSamplerInput {
  readonly read: () => Promise<Depth>;
  readonly intervalMs: number;
  readonly clock: Clock;
  /** Told of the first failure of each row of them. */
  readonly onError: (error: unknown) => void;
}

/** Samples the queue's depth when it is asked for it: never more often than the interval, never two at once. */
export class DepthSampler {
  readonly #input: DepthSamplerInput;
  #sample: Promise<DepthSample | undefined> | undefined;
  #startedAt = Number.NEGATIVE_INFINITY;
  #pending = false;
  #failing = false;

  constructor(input: DepthSamplerInput) {
    this.#input = input;
  }

  /** The last sample, or a new one when that is too old; undefined when the database did not give one. */
  sample(): Promise<DepthSample | undefined> {
    const now = this.#input.clock.now();
    const isFresh = now - this.#startedAt < this.#input.intervalMs && now >= this.#startedAt;
    if (this.#sample === undefined || !(this.#pending || isFresh)) {
      this.#startedAt = now;
      this.#pending = true;
      this.#sample = this.#take(now);
    }
    return this.#sample;
  }

  async #take(takenAt: number): Promise<DepthSample | undefined> {
    try {
      const depth = await this.#input.read();
      this.#failing = false;
      return { ...depth, takenAt };
    } catch (error) {
      if (!this.#failing) this.#input.onError(error);
      this.#failing = true;
      return undefined;
    } finally {
      this.#pending = false;
    }
  }
}
