import {
  type ClaimedJob,
  type Clock,
  isPassing,
  type PluginHost,
  withRetries,
} from "@oppulence/worker-core";
import { inFlights } from "./flights.ts";
import type { Mover } from "./mover.ts";
import type { Settlement } from "./moves.ts";
import type { BeginItem, Begun, SagaStore } from "./postgres-store.ts";

/** An outcome whose job is claimed: it goes with it. */
export interface ClaimedSettlement {
  readonly job: ClaimedJob;
  readonly item: Settlement;
}

/** Begins attempts and records what came of them: those of one tick, and of a flush under way, share statements. */
export class Recorder {
  readonly begin: (item: BeginItem) => Promise<Begun | undefined>;
  /** Resolves to whether the job was still the claim's. */
  readonly settleClaimed: (one: ClaimedSettlement) => Promise<boolean>;
  /** Records an outcome whatever becomes of its job: it is retried, or another plugin has it. */
  readonly settle: (item: Settlement) => Promise<boolean>;

  constructor(
    statements: Pick<PluginHost, "query">,
    store: SagaStore,
    mover: Mover,
    signal: AbortSignal,
    clock: Clock,
  ) {
    this.begin = inFlights(
      (items: readonly BeginItem[]) =>
        withRetries(() => store.begin(statements.query, items), signal),
      clock,
    );
    const settleClaimed = async (all: readonly ClaimedSettlement[]) => {
      const jobs = all.map(({ job }) => job);
      const items = all.map(({ item }) => item);
      const moves = await mover.move((query) => store.settleClaimed(query, jobs, items));
      const taken = new Set(moves.flatMap(({ what, run }) => (what === "taken" ? [run] : [])));
      return jobs.map(({ id }) => taken.has(id));
    };
    this.settleClaimed = inFlights(apart(settleClaimed), clock);
    const settle = async (all: readonly Settlement[]) => {
      await mover.move((query) => store.settle(query, all));
      return all.map(() => true);
    };
    this.settle = inFlights(apart(settle), clock);
  }
}

/** Something in one of them that the database refuses has each recorded by itself, and is that one's error. */
function apart<T>(flush: (items: readonly T[]) => Promise<boolean[]>) {
  return async (items: readonly T[]): Promise<(boolean | Error)[]> => {
    try {
      return await flush(items);
    } catch (error) {
      if (items.length === 1 || isPassing(error)) throw error;
    }
    const answers: (boolean | Error)[] = [];
    for (const item of items) {
      const [answer] = await flush([item]).catch((error: Error) => [error]);
      answers.push(answer ?? false);
    }
    return answers;
  };
}
