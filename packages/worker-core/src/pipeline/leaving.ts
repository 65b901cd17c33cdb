import type { Job } from "../contract/job.ts";
import type { Reason } from "../contract/reason.ts";
import type { Engine } from "../engine/engine.ts";
import { withRetries } from "../engine/retries.ts";
import { messageOf } from "../errors.ts";

/** What {@link Leaving} needs. */
export interface LeavingInput {
  readonly engine: Engine;
  /** Rows on their way out for which a job lets its slot go; 0 when each is to be waited for. */
  readonly limit: number;
  /** Ends the retries of writes that the database could not take. */
  readonly interrupted: AbortSignal;
}

/** A job whose row a plugin is moving away. */
export interface LeavingJob {
  readonly job: Job;
  readonly moved: Promise<boolean>;
  readonly report: (error: unknown) => void;
  /** What it failed with; undefined when it succeeded. */
  readonly failure: LeavingFailure | undefined;
}

/** A failed job's part of {@link LeavingJob}. */
interface LeavingFailure {
  readonly error: unknown;
  /** Why no attempt is left, unless they are used up. */
  readonly exhausted: Reason | undefined;
  /** Entries of a batch job that are left. */
  readonly left: readonly unknown[] | undefined;
}

/** Rows of one pool of the engine. */
class OfPool {
  /** Ids by what ends when the row is gone. */
  readonly pending = new Map<Promise<boolean>, string>();
  /** Ids of jobs that let their slot go, and whose completion the engine has not sent yet; how many of each. */
  readonly completions = new Map<string, number>();
}

/**
 * Rows that plugins are moving out of the queue after their jobs' slots were let go, as the engine lets go of
 * the slots of jobs whose end it has yet to write. Bounded: beyond the limit a job keeps its slot.
 *
 * A row that could not be moved after all has its failure written here, and is then like any other failed job.
 */
export class Leaving {
  readonly #input: LeavingInput;
  /** By the pool of the engine that holds the rows. */
  readonly #pools = new Map<string, OfPool>();
  readonly #onInterrupt = new Set<() => void>();
  #count = 0;

  constructor(input: LeavingInput) {
    this.#input = input;
    const interrupt = () => {
      for (const end of this.#onInterrupt) end();
    };
    input.interrupted.addEventListener("abort", interrupt, { once: true });
  }

  /** @returns what the slot has to wait for: whether the row was moved; undefined when it may go */
  add(one: LeavingJob): Promise<boolean> | undefined {
    const { id, locked_by } = one.job;
    const ofPool = this.#of(locked_by as string);
    // The engine's copy is fenced as soon as its slot goes.
    const ended = this.#end({ ...one, job: { ...one.job } });
    ofPool.pending.set(ended, id);
    this.#count += 1;
    void ended.then(() => {
      this.#count -= 1;
      ofPool.pending.delete(ended);
    });
    if (this.#count > this.#input.limit) return ended;
    if (one.failure === undefined)
      ofPool.completions.set(id, (ofPool.completions.get(id) ?? 0) + 1);
    return undefined;
  }

  /** Whether {@link completes} has anything to say of a pool. */
  isAny(pool: string): boolean {
    return (this.#pools.get(pool)?.completions.size ?? 0) > 0;
  }

  /**
   * Whether the engine is not to write a completion: the row is on its way out, and what moves it is to find it.
   * Each row answers once.
   */
  completes(pool: string, id: string): boolean {
    const completions = this.#pools.get(pool)?.completions;
    const count = completions?.get(id);
    if (completions === undefined || count === undefined) return false;
    if (count === 1) completions.delete(id);
    else completions.set(id, count - 1);
    return true;
  }

  /** Ids of a pool's rows that are on their way out. */
  ids(pool: string): string[] {
    return [...(this.#pools.get(pool)?.pending.values() ?? [])];
  }

  /** Resolves once no row of the pool is on its way out; the pool has ended. */
  async ended(pool: string): Promise<void> {
    const ofPool = this.#of(pool);
    while (ofPool.pending.size > 0) await Promise.all(ofPool.pending.keys());
    this.#pools.delete(pool);
  }

  #of(pool: string): OfPool {
    let found = this.#pools.get(pool);
    if (found === undefined) {
      found = new OfPool();
      this.#pools.set(pool, found);
    }
    return found;
  }

  /** Whether the row was moved. Never rejects. */
  async #end(one: LeavingJob): Promise<boolean> {
    const { moved, report, failure } = one;
    let error: unknown;
    try {
      if (failure !== undefined ? await moved : await this.#untilInterrupted(moved)) return true;
      error = failure?.error;
    } catch (cause) {
      report(cause);
      error = failure === undefined ? cause : failure.error;
    }
    // Where it succeeded, its row is another claim's, or goes back with the pool. What cannot be written now is
    // given back when the pool ends: the claim is still its.
    if (error !== undefined) await this.#fail(one, error).catch(report);
    return false;
  }

  /** Without a time-out, so that an outage costs nothing; not a race, which would keep what lost it for ever. */
  #untilInterrupted(moved: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const end = () => resolve(false);
      this.#onInterrupt.add(end);
      void moved.then(resolve, reject).finally(() => this.#onInterrupt.delete(end));
      if (this.#input.interrupted.aborted) end();
    });
  }

  async #fail({ job, failure }: LeavingJob, error: unknown): Promise<void> {
    const { engine, interrupted } = this.#input;
    if (failure?.exhausted !== undefined) await engine.exhaust(job, failure.exhausted);
    const write = { id: job.id, message: messageOf(error), payload: failure?.left };
    await withRetries(() => engine.fail(job.locked_by as string, [write]), interrupted);
  }
}
