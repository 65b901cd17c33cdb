import { createBatcher, type PluginHost } from "@oppulence/worker-core";
import type { Stray, StrayStore } from "./postgres-strays.ts";
import type { Registry } from "./registry.ts";

/** What {@link Strays} needs. */
export interface StraysInput {
  readonly host: Pick<PluginHost, "query" | "transaction" | "engine">;
  readonly store: StrayStore;
  readonly registry: Registry;
  readonly onError: (what: string, error: unknown) => void;
}

/**
 * How long a noted job stays away by itself. Beyond the time within which the core wakes the process that deferred a
 * job: that very process would claim it again, each time, before one that has its definition.
 */
const NOTED_MS = 20 * 60_000;
/** When it could not be noted. */
const UNNOTED_MS = 5_000;
const PAGE = 500;
/** From now on: near enough for this process, which looks at that moment; the others look when they poll. */
const SOON_MS = 5;

/** Jobs of definitions that a process does not have: noted by it, and brought back by one that has them. */
export class Strays {
  readonly #input: StraysInput;
  readonly #note: (stray: Stray) => Promise<number>;

  constructor(input: StraysInput) {
    this.#input = input;
    this.#note = createBatcher(async (strays: readonly Stray[]) => {
      const { host, store, onError } = input;
      const noted = await store.note(host.query, strays).then(
        () => true,
        (error: unknown) => onError("strays", error),
      );
      return strays.map(() => (noted === true ? NOTED_MS : UNNOTED_MS));
    });
  }

  /**
   * Notes a job that this process cannot run.
   *
   * @returns how long it is to be deferred, in milliseconds
   */
  async note(stray: Stray): Promise<number> {
    return (await this.#note(stray)) * (1 + Math.random());
  }

  /** Brings jobs back whose definition is here, so that this process is the first to look for them. */
  async bringBack(): Promise<void> {
    const { host, store, registry } = this.#input;
    const { all } = registry;
    if (all.length === 0) return;
    for (let count = PAGE; count === PAGE; ) {
      count = await host.transaction(async (query) => {
        const strays = await store.lock(query, all, PAGE);
        if (strays.length === 0) return 0;
        const turns = strays.map(({ job }) => ({ id: job, inMs: SOON_MS }));
        const moved = new Set(await host.engine.moveTurns(turns, query));
        // One that is neither moved nor old is not deferred yet: whoever noted it is about to.
        const over = strays.filter(({ job, isOld }) => isOld || moved.has(job));
        await store.forget(
          query,
          over.map(({ job }) => job),
        );
        return over.length;
      });
    }
  }

  /** Forgets what is long gone, a page of it. */
  sweep(): Promise<void> {
    return this.#input.store.sweep(this.#input.host.query, PAGE);
  }
}
