import {
  exhaust,
  type FailureDecision,
  type FailureInput,
  messageOf,
  type OnFailureHook,
  taken,
} from "@oppulence/worker-core";
import { isDataError } from "./data-error.ts";
import { DeadLetterMoveError } from "./errors.ts";
import { itemOfFailure, type Mover } from "./mover.ts";
import type { Policies } from "./policies.ts";
import type { MoveItem } from "./postgres-move.ts";
import { RecentErrors } from "./recent-errors.ts";

/** What the hook needs. */
export interface FailureHookInput {
  readonly mover: Pick<Mover, "moveClaimed">;
  readonly policies: Policies;
  /** Told of jobs that could not be moved: they stay in the queue, for the reconciler. */
  readonly onMissed: (error: DeadLetterMoveError) => void;
}

/** A failure that ends its job, and what is stored of it. */
interface LastFailure {
  readonly input: FailureInput;
  readonly item: MoveItem;
  /** The engine would have tried again: it is the policy's `maxRetries` that ends the job. */
  readonly byPolicy: boolean;
}

/**
 * `onFailure`: moves jobs whose last attempt failed, after all plugins that may still give them another one.
 *
 * On the path of failed attempts only. One round trip for all jobs that fail for good in one tick, none for
 * those that will be tried again. Where it cannot move a job, the engine records the failure as without it, and
 * the reconciler moves the job later.
 */
export function failureHook({ mover, policies, onMissed }: FailureHookInput): OnFailureHook {
  const recent = new RecentErrors();

  async function move(last: readonly LastFailure[]): Promise<Set<string>> {
    const jobs = last.map(({ input }) => input.job);
    const items = last.map(({ item }) => item);
    try {
      return await mover.moveClaimed(jobs, items);
    } catch (error) {
      if (!isDataError(error)) throw error;
      // Something in one of the errors that the database refuses: that one is stored without it.
      const moved = new Set<string>();
      for (const [index, job] of jobs.entries()) {
        const item = items[index] as MoveItem;
        const one = await mover
          .moveClaimed([job], [item])
          .catch(() => mover.moveClaimed([job], [withoutDetails(item)]));
        for (const id of one) moved.add(id);
      }
      return moved;
    }
  }

  async function decide(
    inputs: readonly FailureInput[],
    last: readonly LastFailure[],
  ): Promise<(FailureDecision | undefined)[]> {
    const decisions = new Map<FailureInput, FailureDecision>();
    try {
      const moved = await move(last);
      for (const { input } of last) if (moved.has(input.job.id)) decisions.set(input, taken());
    } catch (cause) {
      const ids = last.map(({ input }) => input.job.id);
      onMissed(new DeadLetterMoveError(ids, cause));
      for (const { input, byPolicy } of last)
        if (byPolicy) decisions.set(input, exhaust(RETRIES_SPENT));
    }
    return inputs.map((input) => decisions.get(input));
  }

  return {
    // The last word: `taken` cannot be undone.
    after: ["retry", "breaker"],
    appliesTo: ({ identifier }) => policies.moves(identifier),
    batch(inputs) {
      const last: LastFailure[] = [];
      for (const input of inputs) {
        const failure = lastFailure(input, policies, recent);
        if (failure === undefined)
          recent.add(input.job.id, input.job.attempts, messageOf(input.error));
        else last.push(failure);
      }
      return last.length === 0 ? inputs.map(() => undefined) : decide(inputs, last);
    },
  };
}

const RETRIES_SPENT = { code: "MAX_RETRIES", message: "it used up the retries of its dlq policy" };

/** Undefined when the job will be tried again, or somebody else has taken it. */
function lastFailure(
  input: FailureInput,
  policies: Policies,
  recent: RecentErrors,
): LastFailure | undefined {
  const { job, isLastAttempt, decision, exhausted } = input;
  if (decision?.kind === "taken") return undefined;
  const { maxRetries, redact } = policies.of(job.task_identifier);
  const byPolicy = !isLastAttempt && job.attempts > maxRetries;
  if (!isLastAttempt && !byPolicy) return undefined;
  const code = exhausted?.code ?? (byPolicy ? RETRIES_SPENT.code : "ATTEMPTS_EXHAUSTED");
  const item = itemOfFailure(input, code.toLowerCase(), recent.take(job.id), redact);
  return { input, item, byPolicy };
}

function withoutDetails(item: MoveItem): MoveItem {
  const message = "the error could not be stored";
  const error = { name: "Error", message, code: undefined, stack: undefined, causes: [] };
  return { ...item, error, earlier: [] };
}
