import type { PluginHost } from "@oppulence/worker-core";
import type { GateKeeper } from "./gate-keeper.ts";
import type { Mover } from "./mover.ts";
import type { Settlement } from "./moves.ts";
import type { PendingStep, SagaReader } from "./postgres-read.ts";
import type { SagaStore } from "./postgres-store.ts";
import type { Strays } from "./strays.ts";

/** What a {@link Reconciler} needs. */
export interface ReconcilerInput {
  readonly host: Pick<PluginHost, "query" | "engine" | "logger">;
  readonly store: SagaStore;
  readonly reader: SagaReader;
  readonly mover: Mover;
  readonly keeper: GateKeeper;
  readonly strays: Strays;
  readonly retentionMs: number;
  /** Steps whose attempt began later are not looked at. */
  readonly staleMs: number;
  readonly onError: (what: string, error: unknown) => void;
}

/** Runs that one turn looks at. */
const RUNS = 2_000;
const PAGE = 1_000;
/** Runs that one statement deletes, and statements of one turn. */
const SWEEP = 100;
const SWEEPS = 100;

/**
 * Finds steps whose job is gone or has no attempt left without that anybody told: it was removed by hand, a plugin
 * skipped it, or a crash took its last attempt. The step then fails, as one that may have run. A bounded page of the
 * runs that are not over each turn, in a circle.
 */
export class Reconciler {
  readonly #input: ReconcilerInput;
  #after = "0";

  constructor(input: ReconcilerInput) {
    this.#input = input;
  }

  /** Never rejects. */
  async turn(): Promise<void> {
    try {
      await this.reconcile();
      await this.#input.keeper.reconcile();
      await this.#input.strays.sweep();
      for (let page = 0; page < SWEEPS; page++) if ((await this.sweep()) < SWEEP) break;
    } catch (error) {
      this.#input.onError("reconcile", error);
    }
  }

  /**
   * Looks at one page.
   *
   * @returns how many steps were found to have lost their job
   */
  async reconcile(): Promise<number> {
    const { host, reader, staleMs } = this.#input;
    const { last, steps } = await reader.pending(host.query, this.#after, RUNS, staleMs);
    this.#after = last ?? "0";
    let found = 0;
    for (let from = 0; from < steps.length; from += PAGE) {
      const page = steps.slice(from, from + PAGE);
      const lost = await this.#lost(page);
      found += lost.length;
      if (lost.length > 0) await this.#settle(lost);
    }
    return found;
  }

  /** Deletes a page of runs that finished longer ago than the retention. */
  sweep(): Promise<number> {
    const { host, reader, retentionMs } = this.#input;
    return reader.sweep(host.query, retentionMs, SWEEP);
  }

  async #lost(page: readonly PendingStep[]): Promise<PendingStep[]> {
    const { engine } = this.#input.host;
    const jobs = await engine.peek({ ids: page.map(({ job }) => job), limit: PAGE });
    const alive = new Set(
      jobs.flatMap(({ job, state }) => (state === "failed" ? [] : [String(job.id)])),
    );
    return page.filter(({ job }) => !alive.has(job));
  }

  async #settle(lost: readonly PendingStep[]): Promise<void> {
    const { mover, store, host } = this.#input;
    const message = "its job is gone, or has no attempt left, and nothing says what came of it";
    const value = JSON.stringify({ name: "JobLostError", message });
    host.logger.warn(`${lost.length} steps have lost their jobs`);
    await mover.move((query) =>
      store.settle(
        query,
        lost.map(
          ({ job, run, step, item, attempt, state, exact }): Settlement => ({
            job,
            run,
            step,
            item,
            attempt,
            outcome: "lost",
            value,
            unknown: state === "running" && !exact,
          }),
        ),
      ),
    );
  }
}
