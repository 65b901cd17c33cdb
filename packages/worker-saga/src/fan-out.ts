import { InvalidValueError } from "./errors.ts";
import type { Mover } from "./mover.ts";
import type { SagaStore } from "./postgres-store.ts";
import type { Context } from "./step-context.ts";
import { type StepRun, Superseded, toSettlement } from "./step-run.ts";
import { toJson } from "./values.ts";

/** What {@link fanOut} needs. */
export interface FanOutInput {
  readonly store: SagaStore;
  readonly mover: Mover;
  readonly maxBytes: number;
}

/** Rows of items that one statement adds. */
const ITEMS_AT_ONCE = 1_000;

/**
 * Writes the items of a fan-out down, and queues the first of them.
 *
 * @returns whether there were any: a step without is over, and that is left to the caller
 */
export async function fanOut(
  { store, mover, maxBytes }: FanOutInput,
  run: StepRun,
  plain: Context,
): Promise<boolean> {
  const { step, attempt, job } = run;
  const items = await attempt.race(step.items?.(plain as never));
  if (!Array.isArray(items))
    throw new InvalidValueError(`items of step ${step.id} gave ${typeof items}; it gives an array`);
  if (items.length === 0) return false;
  const total = items.length;
  const item = toSettlement(run, "waiting", JSON.stringify({ total }));
  const textOf = (one: unknown, index: number) =>
    toJson(one, `item ${index} of ${step.id}`, maxBytes) ?? "null";
  try {
    await mover.move(async (query) => {
      for (let from = 0; from < total; from += ITEMS_AT_ONCE) {
        const page = items.slice(from, from + ITEMS_AT_ONCE);
        const texts = page.map((one, index) => textOf(one, from + index));
        await store.addItems(query, attempt.run, attempt.step, from, texts);
      }
      const moves = await store.settleClaimed(query, [job], [item]);
      if (!moves.some(({ what }) => what === "step")) throw new Superseded();
      return moves;
    });
  } catch (error) {
    // Its items are there by the statement of whoever has the step now.
    const isDouble = (error as { code?: unknown }).code === "23505";
    if (!(error instanceof Superseded) && !isDouble) throw error;
  }
  attempt.settled = true;
  return true;
}
