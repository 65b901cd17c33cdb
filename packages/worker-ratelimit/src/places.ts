import { type Clock, Loop, type RunInput } from "@oppulence/worker-core";
import type { RateLimitStore } from "./store.ts";

/** What {@link Places} needs. */
export interface PlacesInput {
  readonly store: Pick<RateLimitStore, "renew">;
  readonly clock: Clock;
  /** This process. */
  readonly holder: string;
  readonly leaseMs: number;
  readonly running: () => Iterable<RunInput>;
  readonly onError: (message: string, error: unknown) => void;
}

/** Renewed so often within its lease, a place outlives two renewals that fail. */
const RENEWALS = 3;

/** Keeps the places of this process' jobs and calls. */
export class Places {
  readonly #input: PlacesInput;
  readonly #loop: Loop;

  constructor(input: PlacesInput) {
    this.#input = input;
    const { clock, leaseMs } = input;
    // A turn of a loop may come a fifth late.
    const intervalMs = leaseMs / RENEWALS / 1.2;
    this.#loop = new Loop({ clock, intervalMs, turn: () => this.#renew() });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #renew(): Promise<void> {
    const { store, holder, onError } = this.#input;
    try {
      const lost = new Set(await store.renew(holder));
      if (lost.size > 0) this.#abort(lost);
    } catch (error) {
      onError("could not renew places", error);
    }
  }

  /** Others may run in their places. */
  #abort(ids: ReadonlySet<string>): void {
    const error = new Error(
      "its place under maxConcurrent was lost: this process did not renew it in time, and others may run in it",
    );
    this.#input.onError(`lost the places of ${ids.size} runs`, error);
    for (const run of this.#input.running()) if (ids.has(run.job.id)) run.abort(error);
  }
}
