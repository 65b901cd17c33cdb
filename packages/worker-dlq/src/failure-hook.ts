import { createBatcher, messageOf, type OnFailureHook, taken } from "@oppulence/worker-core";
import { isDataError } from "./data-error.ts";
import { DeadLetterMoveError } from "./errors.ts";
import { type FailedJob, itemOfFailure, type Mover } from "./mover.ts";
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

/** A failure that ends its job: what is moved, and what is stored of it. */
interface LastFailure {
  readonly job: FailedJob;
  readonly item: MoveItem;
}

/** Errors have stacks, so a statement of this many has about a megabyte. */
const MOST_AT_ONCE = 500;

/**
 * `onFailure`: moves jobs whose last attempt failed, after all plugins that may still give them another one.
 *
 * On the path of failed attempts only. The job lets its slot go; one statement moves all that have gathered while
 * the one before it was under way. Where it cannot move a job, the failure is recorded as without it, and the
 * reconciler moves the job later.
 */
export function failureHook({ mover, policies, onMissed }: FailureHookInput): OnFailureHook {
  const recent = new RecentErrors();

  async function moveAll(last: readonly LastFailure[]): Promise<ReadonlySet<string>> {
    const jobs = last.map(({ job }) => job);
    const items = last.map(({ item }) => item);
    try {
      return await mover.moveClaimed(jobs, items);
    } catch (error) {
      if (!isDataError(error)) throw error;
      // Something in one of the errors that the database refuses: that one is stored without it.
      const moved = new Set<string>();
      for (const { job, item } of last) {
        const one = await mover
          .moveClaimed([job], [item])
          .catch(() => mover.moveClaimed([job], [withoutDetails(item)]));
        for (const id of one) moved.add(id);
      }
      return moved;
    }
  }

  const move = createBatcher<LastFailure, boolean>(async (last) => {
    try {
      const moved = await moveAll(last);
      return last.map(({ job }) => moved.has(job.id));
    } catch (cause) {
      const ids = last.map(({ job }) => job.id);
      onMissed(new DeadLetterMoveError(ids, cause));
      return last.map(() => false);
    }
  }, MOST_AT_ONCE);

  return {
    // The last word: `taken` cannot be undone.
    after: ["retry", "breaker"],
    appliesTo: ({ identifier }) => policies.moves(identifier),
    run(input) {
      const { job, isLastAttempt, decision, exhausted } = input;
      if (decision?.kind === "taken") return undefined;
      const { maxRetries, redact } = policies.of(job.task_identifier);
      const byPolicy = !isLastAttempt && job.attempts > maxRetries;
      if (!isLastAttempt && !byPolicy) {
        recent.add(job.id, job.attempts, messageOf(input.error));
        return undefined;
      }
      const code = exhausted?.code ?? (byPolicy ? RETRIES_SPENT.code : "ATTEMPTS_EXHAUSTED");
      const item = itemOfFailure(input, code.toLowerCase(), recent.take(job.id), redact);
      const { id, locked_by, job_queue_id, task_identifier } = job;
      const moved = move({ job: { id, locked_by, job_queue_id, task_identifier }, item });
      return taken(moved, byPolicy ? RETRIES_SPENT : undefined);
    },
  };
}

const RETRIES_SPENT = { code: "MAX_RETRIES", message: "it used up the retries of its dlq policy" };

function withoutDetails(item: MoveItem): MoveItem {
  const message = "the error could not be stored";
  const error = { name: "Error", message, code: undefined, stack: undefined, causes: [] };
  return { ...item, error, earlier: [] };
}
