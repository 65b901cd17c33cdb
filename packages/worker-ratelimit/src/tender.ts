import { createHash } from "node:crypto";
import { type Clock, Loop } from "@oppulence/worker-core";
import type { Asks } from "./asks.ts";
import { bucketNames, limiterOf } from "./limits.ts";
import type { Bucket, RateLimitStore, Turn } from "./store.ts";

/** What {@link Tender} needs. */
export interface TenderInput {
  readonly asks: Asks;
  readonly store: Pick<RateLimitStore, "busy" | "tend" | "lead">;
  readonly clock: Clock;
  /** This process. */
  readonly holder: string;
  readonly intervalMs: number;
  /** Processes with the same limiters look after them for each other. */
  readonly limiters: () => Iterable<string>;
  readonly onTurns: (turns: readonly Turn[]) => Promise<void>;
  readonly onError: (message: string, error: unknown) => void;
}

const PAGE = 500;
const AT_ONCE = 8;
/** After so many turns in which nobody waited, lines are looked for only now and then. */
const QUIET_TURNS = 10;
const LOOK_EVERY = 5;

/**
 * Looks after lines: turns of those first in line are computed anew, so that changed limits and lost units reach them;
 * places of dead processes and promises that nobody took go on. One process does it for those with the same limiters.
 */
export class Tender {
  readonly #input: TenderInput;
  readonly #loop: Loop;
  #quiet = 0;
  #turn = 0;

  constructor(input: TenderInput) {
    this.#input = input;
    const { clock, intervalMs } = input;
    this.#loop = new Loop({ clock, intervalMs, turn: (signal) => this.#run(signal) });
  }

  start(): void {
    this.#loop.start();
  }

  /** Somebody waits: there is something to look after. */
  noticed(): void {
    this.#quiet = 0;
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #run(signal: AbortSignal): Promise<void> {
    this.#turn += 1;
    if (this.#quiet >= QUIET_TURNS && this.#turn % LOOK_EVERY !== 0) return;
    try {
      this.#quiet = (await this.tend(signal)) ? 0 : this.#quiet + 1;
    } catch (error) {
      this.#input.onError("could not look after lines", error);
    }
  }

  /**
   * One look at lines, unless another process has it.
   *
   * @returns whether there are any
   */
  async tend(signal?: AbortSignal): Promise<boolean> {
    const { store, holder, intervalMs } = this.#input;
    const limiters = [...this.#input.limiters()];
    if (limiters.length === 0) return false;
    if (!(await store.lead(holder, leadOf(limiters), 3 * intervalMs))) return false;
    const busy = await store.busy(limiters.flatMap(bucketNames), PAGE);
    const buckets = busy.flatMap(({ limiter, key }) => this.#bucketOf(limiter, key) ?? []);
    for (let at = 0; at < buckets.length && signal?.aborted !== true; at += AT_ONCE) {
      const turns = await Promise.all(
        buckets.slice(at, at + AT_ONCE).map((bucket) => store.tend(bucket)),
      );
      await this.#input.onTurns(turns.flat());
    }
    return busy.length > 0;
  }

  /** @returns undefined for a limiter of other processes, and where the limits cannot be told now */
  #bucketOf(name: string, key: string): Bucket | undefined {
    try {
      return this.#input.asks.bucket(limiterOf({ limiter: name }), name, key);
    } catch (error) {
      this.#input.onError(`could not look after the line of ${name}`, error);
      return undefined;
    }
  }
}

function leadOf(limiters: readonly string[]): string {
  const names = limiters.toSorted().join("\n");
  return `tend:${createHash("sha256").update(names).digest("hex").slice(0, 16)}`;
}
