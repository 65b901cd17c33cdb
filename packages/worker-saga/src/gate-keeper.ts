import type { PluginHost } from "@oppulence/worker-core";
import type { GateAct, GateStore } from "./postgres-gates.ts";

/** What a {@link GateKeeper} needs. */
export interface GateKeeperInput {
  readonly host: Pick<PluginHost, "query" | "engine" | "transaction">;
  readonly store: GateStore;
  readonly retentionMs: number;
}

const PAGE = 500;

/**
 * Lets jobs go whose dependencies are settled, and ends those that will never run. What is to be done is in the
 * database before it is done: a process that dies in between leaves it to another.
 */
export class GateKeeper {
  readonly #input: GateKeeperInput;
  #after = "0";
  #openAfter = "0";
  #acting: Promise<void> | undefined;

  constructor(input: GateKeeperInput) {
    this.#input = input;
  }

  /** Looks at steps and runs that jobs wait for, a page of them, and acts on what is settled. */
  async turn(): Promise<void> {
    const { store, host } = this.#input;
    const { looked, last } = await store.look(host.query, this.#after, PAGE);
    this.#after = looked < PAGE ? "0" : (last ?? "0");
    await this.act();
  }

  /** Acts on gates of which the queue does not know yet. */
  async act(): Promise<void> {
    this.#acting ??= this.#actAll().finally(() => {
      this.#acting = undefined;
    });
    await this.#acting;
  }

  async #actAll(): Promise<void> {
    const { store, host } = this.#input;
    for (let acts = await store.acts(host.query, PAGE); acts.length > 0; ) {
      await this.#do(acts);
      await store.acted(
        host.query,
        acts.map(({ id }) => id),
      );
      acts = acts.length < PAGE ? [] : await store.acts(host.query, PAGE);
    }
  }

  async #do(acts: readonly GateAct[]): Promise<void> {
    const { engine } = this.#input.host;
    const jobs = (state: GateAct["state"]) =>
      acts.filter((act) => act.state === state).map(({ job }) => job);
    const now = new Date();
    const ready = acts.filter(({ state }) => state === "ready");
    const due = ready.filter(({ run_at }) => run_at === null || run_at <= now);
    if (due.length > 0)
      await engine.reschedule(
        due.map(({ job }) => job),
        { runAt: now },
      );
    for (const { job, run_at } of ready)
      if (run_at !== null && run_at > now) await engine.reschedule([job], { runAt: run_at });
    const failed = jobs("failed");
    // No attempt is left: it is a failed job like any other, for whoever moves or removes those.
    if (failed.length > 0) await engine.reschedule(failed, { attempts: 1, maxAttempts: 1 });
    const cancelled = jobs("cancelled");
    if (cancelled.length > 0) await engine.remove(cancelled);
  }

  /** Settles gates whose job is gone, or has no attempt left, without that anybody told; a page of them. */
  async reconcile(): Promise<void> {
    const { store, host, retentionMs } = this.#input;
    const open = await store.open(host.query, this.#openAfter, PAGE);
    this.#openAfter = open.length < PAGE ? "0" : (open.at(-1)?.id ?? "0");
    if (open.length > 0) {
      const jobs = await host.engine.peek({ ids: open.map(({ job }) => job), limit: PAGE });
      const alive = new Set(
        jobs.flatMap(({ job, state }) => (state === "failed" ? [] : [String(job.id)])),
      );
      const lost = open.filter(({ job }) => !alive.has(job)).map(({ id }) => id);
      if (lost.length > 0) await store.settle(host.query, lost, false);
    }
    await store.sweep(host.query, retentionMs, PAGE);
  }
}
