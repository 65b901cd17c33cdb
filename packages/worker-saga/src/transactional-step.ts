import type { PluginHost, Query } from "@oppulence/worker-core";
import { withRetries } from "@oppulence/worker-core";
import type { Mover } from "./mover.ts";
import type { SagaStore } from "./postgres-store.ts";
import type { Context } from "./step-context.ts";
import { type StepRun, Superseded, toResultJson, toSettlement } from "./step-run.ts";

/** What {@link runTransactional} needs. */
export interface TransactionalInput {
  readonly host: Pick<PluginHost, "transaction">;
  readonly store: SagaStore;
  readonly mover: Mover;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** What the step's own function threw, apart from what its transaction throws. */
class StepThrew {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/**
 * The step's writes, its outcome and what follows from it, in one transaction; anew where the database ended it.
 *
 * @param context - what the step is given, with its statements on this query
 * @throws what the step threw
 */
export async function runTransactional(
  { host, store, mover, maxBytes, signal }: TransactionalInput,
  run: StepRun,
  context: (query: Query) => Context,
): Promise<void> {
  const body = async (query: Query) => {
    let open = true;
    const guarded: Query = (text, values) => {
      if (open) return query(text, values);
      return Promise.reject(new Error("the transaction of the step has ended"));
    };
    try {
      const value = await run.attempt
        .race(run.step.execute?.(context(guarded)))
        .catch((cause: unknown) => Promise.reject(new StepThrew(cause)));
      const item = toSettlement(run, "succeeded", toResultJson(run, value, maxBytes));
      const moves = await store.settleClaimed(query, [run.job], [item]);
      if (!moves.some(({ what }) => what === "step")) throw new Superseded();
      return await mover.addJobs(query, moves);
    } finally {
      open = false;
    }
  };
  try {
    const moves = await withRetries(() => host.transaction(body), signal);
    run.attempt.settled = true;
    await mover.tell(moves);
  } catch (error) {
    if (error instanceof StepThrew) throw error.cause;
    if (!(error instanceof Superseded)) throw error;
    run.attempt.settled = true;
  }
}
