import type { TakenDecision } from "../contract/decisions.ts";
import type { Job } from "../contract/job.ts";
import type { Reason } from "../contract/reason.ts";
import type { Engine } from "../engine/engine.ts";
import { withRetries } from "../engine/retries.ts";
import { messageOf } from "../errors.ts";
import { type HookReport, within } from "./hook.ts";

/** What {@link Leaving} needs. */
export interface LeavingInput {
  readonly engine: Engine;
  readonly report: HookReport;
  /** Rows on their way out for which a job lets its slot go; 0 when each is to be waited for. */
  readonly limit: number;
  /** Ends the retries of writes that the database could not take. */
  readonly interrupted: AbortSignal;
}

/** A failed job whose row a plugin is moving away. */
export interface LeavingJob {
  readonly job: Job;
  readonly plugin: string;
  readonly timeoutMs: number;
  readonly moved: NonNullable<TakenDecision["moved"]>;
  readonly error: unknown;
  /** Why no attempt is left, unless they are used up. */
  readonly exhausted: Reason | undefined;
  /** Entries of a batch job that are left. */
  readonly left: readonly unknown[] | undefined;
}

/**
 * Rows that plugins are moving out of the queue after their jobs' slots were let go, as the engine lets go of
 * the slots of jobs whose failure it has yet to write. Bounded: beyond the limit a job keeps its slot.
 *
 * A row that could not be moved after all has its failure written here, and is then like any other failed job.
 */
export class Leaving {
  readonly #input: LeavingInput;
  /** By the pool of the engine that holds the rows. */
  readonly #pending = new Map<string, Set<Promise<void>>>();
  #count = 0;

  constructor(input: LeavingInput) {
    this.#input = input;
  }

  /** @returns what the slot has to wait for; undefined when it may go */
  add(one: LeavingJob): Promise<void> | undefined {
    const pool = one.job.locked_by as string;
    // The engine's copy is fenced as soon as its slot goes.
    const ended = this.#end({ ...one, job: { ...one.job } });
    const ofPool = this.#pending.get(pool) ?? new Set();
    this.#pending.set(pool, ofPool);
    ofPool.add(ended);
    this.#count += 1;
    void ended.then(() => {
      this.#count -= 1;
      ofPool.delete(ended);
      if (ofPool.size === 0 && this.#pending.get(pool) === ofPool) this.#pending.delete(pool);
    });
    return this.#count > this.#input.limit ? ended : undefined;
  }

  /** Resolves once no row of the pool is on its way out. */
  async ended(pool: string): Promise<void> {
    for (let all = this.#pending.get(pool); all !== undefined; all = this.#pending.get(pool))
      await Promise.all(all);
  }

  /** Never rejects. */
  async #end(one: LeavingJob): Promise<void> {
    const { report } = this.#input;
    try {
      if (await within(one.moved, one.timeoutMs, one.plugin, "onFailure")) return;
    } catch (error) {
      report.failed(one.plugin, "onFailure", error);
    }
    // What cannot be written now is given back when the pool ends: the claim is still its.
    await this.#fail(one).catch((error: unknown) => report.failed(one.plugin, "onFailure", error));
  }

  async #fail({ job, error, exhausted, left }: LeavingJob): Promise<void> {
    const { engine, interrupted } = this.#input;
    if (exhausted !== undefined) await engine.exhaust(job, exhausted);
    const failure = { id: job.id, message: messageOf(error), payload: left };
    await withRetries(() => engine.fail(job.locked_by as string, [failure]), interrupted);
  }
}
