import { messageOf, type PluginHost } from "@oppulence/worker-core";
import type { GateKeeper } from "./gate-keeper.ts";
import type { Mover } from "./mover.ts";
import type { SagaReader } from "./postgres-read.ts";
import type { SagaStore } from "./postgres-store.ts";
import type { StepRunner } from "./step-runner.ts";
import type { Strays } from "./strays.ts";

/** What a {@link Watch} needs. */
export interface WatchInput {
  readonly host: Pick<PluginHost, "query" | "clock" | "logger">;
  readonly store: SagaStore;
  readonly reader: SagaReader;
  readonly mover: Mover;
  readonly runner: StepRunner;
  readonly keeper: GateKeeper;
  readonly strays: Strays;
  readonly graceMs: number;
  readonly onError: (what: string, error: unknown) => void;
}

/** Timers that one transaction fires. */
const FIRE_AT_ONCE = 200;
/** An attempt this young is not asked about: most are over by then. */
const YOUNG_MS = 500;

/**
 * Fires timers that are due, ends attempts of this process whose run is no longer on its way forward, and brings
 * jobs back that other processes could not run.
 */
export class Watch {
  readonly #input: WatchInput;
  #firing: Promise<void> | undefined;
  #again = false;
  /** Why the last turn failed. */
  problem: string | undefined;

  constructor(input: WatchInput) {
    this.#input = input;
  }

  async turn(): Promise<void> {
    try {
      await this.#fireAll();
      await this.#endStopped();
      await this.#input.keeper.turn();
      await this.#input.strays.bringBack();
      this.problem = undefined;
    } catch (error) {
      // One line for an outage, not one for each turn of it.
      if (this.problem === undefined) this.#input.onError("watch", error);
      this.problem = `could not look for timers: ${messageOf(error)}`;
    }
  }

  /** Fires what is due now; called when a time that this process knows has come. */
  fire(): void {
    this.#fireAll().catch((error: unknown) => this.#input.onError("watch", error));
  }

  async #fireAll(): Promise<void> {
    this.#again = true;
    this.#firing ??= this.#drain().finally(() => {
      this.#firing = undefined;
    });
    await this.#firing;
  }

  async #drain(): Promise<void> {
    const { mover, store } = this.#input;
    while (this.#again) {
      this.#again = false;
      const moves = await mover.move((query) => store.fire(query, FIRE_AT_ONCE));
      if (moves.length >= FIRE_AT_ONCE) this.#again = true;
    }
  }

  async #endStopped(): Promise<void> {
    const { runner, reader, host, graceMs } = this.#input;
    const now = host.clock.now();
    const old = [...runner.running].filter(
      ({ startedMs, ending }) => ending === undefined && now - startedMs >= YOUNG_MS,
    );
    if (old.length === 0) return;
    const stopped = await reader.stopped(host.query, [...new Set(old.map(({ run }) => run))]);
    for (const attempt of old) {
      if (stopped.has(attempt.run) && attempt.isForward)
        attempt.end("cancelled", new Error("its run fails, or was cancelled"), graceMs);
    }
  }
}
