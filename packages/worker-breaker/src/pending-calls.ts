import type { Failure } from "./machine.ts";
import type { Settings } from "./settings.ts";
import { type Bucket, bucketStart, plus, type Tally } from "./window.ts";

/** How a call ended, as it is counted. */
export type Counted = "succeeded" | "slow" | "failed";

const ONE: Readonly<Record<Counted, Tally>> = {
  succeeded: { calls: 1, failed: 0, slow: 0 },
  slow: { calls: 1, failed: 0, slow: 1 },
  failed: { calls: 1, failed: 1, slow: 0 },
};

/** Calls of this process that the store does not know of yet; no more than a window holds. */
export class PendingCalls {
  #buckets: Bucket[] = [];
  #failure: Failure | undefined;

  /** Counts one, at an instant of the store's clock. */
  add(now: number, counted: Counted, settings: Settings, failure?: Failure): void {
    this.#failure = failure ?? this.#failure;
    const at = bucketStart(now, settings.window);
    const last = this.#buckets.at(-1);
    if (last?.at === at) {
      this.#buckets[this.#buckets.length - 1] = { at, ...plus(last, ONE[counted]) };
      return;
    }
    this.#buckets.push({ at, ...ONE[counted] });
    const { window } = settings;
    if ("timeMs" in window)
      this.#buckets = this.#buckets.filter((bucket) => bucket.at > now - window.timeMs);
  }

  get tally(): Tally {
    return this.#buckets.reduce<Tally>(plus, { calls: 0, failed: 0, slow: 0 });
  }

  get isEmpty(): boolean {
    return this.#buckets.length === 0;
  }

  /** Hands over what there is, and forgets it. */
  take(): { readonly buckets: readonly Bucket[]; readonly failure: Failure | undefined } {
    const taken = { buckets: this.#buckets, failure: this.#failure };
    this.#buckets = [];
    this.#failure = undefined;
    return taken;
  }
}
