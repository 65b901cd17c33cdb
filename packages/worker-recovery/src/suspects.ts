import {
  type Clock,
  createBatcher,
  type DeferDecision,
  defer,
  type Job,
  type Permit,
  type ProceedDecision,
  proceed,
  type RunInput,
} from "@oppulence/worker-core";
import type { RecoveryStore, Start } from "./postgres-store.ts";
import type { Solitary } from "./solitary.ts";

/** For this long a suspect keeps its slot and waits for its turn: once deferred it comes after a whole backlog. */
export const TURN_MS = 1_000;
/** How long it then goes away for: as long again as the one that runs alone has run, within these. */
const LEAST_WAIT_MS = 1_000;
const MOST_WAIT_MS = 30_000;

/** What {@link Suspects} need. */
export interface SuspectsInput {
  readonly store: Pick<RecoveryStore, "recordStarts" | "forgetStarts">;
  readonly solitary: Solitary;
  readonly maxCrashes: number;
  /** How long a job waits in its slot for its turn to run alone. */
  readonly turnMs: number;
  readonly clock: Clock;
}

/**
 * How many pools went down with a job, by its label; 0 for almost every job. On the hot path: a job without
 * flags costs one comparison.
 */
export function crashesOf({
  job,
  labels,
}: {
  job: Pick<Job, "flags">;
  labels: RunInput["labels"];
}) {
  if (job.flags === null) return 0;
  const { crashes } = labels;
  return crashes !== undefined && /^[0-9]{1,9}$/.test(crashes) ? Number(crashes) : 0;
}

/**
 * Jobs that were in a pool when it died. Each may be why it died, or may only have been there, in the local
 * queue even; that they run is written down before they do, so that the next crash tells.
 */
export class Suspects {
  readonly #input: SuspectsInput;
  readonly #solitary: Solitary;
  readonly #aloneFrom: number;
  readonly #record: (start: Start) => Promise<void>;
  readonly #forget: (start: Start) => Promise<void>;

  constructor(input: SuspectsInput) {
    const { store, solitary, maxCrashes } = input;
    this.#input = input;
    this.#solitary = solitary;
    this.#aloneFrom = maxCrashes - 1;
    this.#record = createBatcher(async (starts) => {
      await store.recordStarts(starts);
      return [];
    });
    this.#forget = createBatcher(async (starts) => {
      await store.forgetStarts(starts);
      return [];
    });
  }

  /**
   * Lets a suspect run, once its start is written down; one that is a crash away from the limit only while
   * no other such one runs in this process. Otherwise innocents beside a poison pill would reach the limit
   * together with it.
   *
   * @throws what the database throws: a suspect whose start is not written down does not run
   */
  async admit({ job }: RunInput, crashes: number): Promise<DeferDecision | ProceedDecision> {
    const isAlone = crashes >= this.#aloneFrom;
    if (!isAlone || this.#solitary.enter(job)) return this.#start(job);
    const { turnMs, clock } = this.#input;
    return (await this.#solitary.turn(job, turnMs, clock)) ? this.#start(job) : this.#wait(crashes);
  }

  async #start(job: Job): Promise<ProceedDecision> {
    // The engine's copy is changed once the job has ended elsewhere.
    const start = { job: job.id, pool: job.locked_by as string };
    try {
      await this.#record(start);
    } catch (error) {
      this.#solitary.leave(job);
      throw error;
    }
    const end = async () => {
      try {
        await this.#forget(start);
      } finally {
        // Only now: with two of them written down, a crash would count for both.
        this.#solitary.leave(job);
      }
    };
    const permit: Permit = { commit: end, rollback: end };
    return proceed({ permit });
  }

  #wait(crashes: number): DeferDecision {
    const ms = Math.min(MOST_WAIT_MS, Math.max(LEAST_WAIT_MS, this.#solitary.takenMs()));
    return defer(
      { after: Math.round(ms * (1 + Math.random())) },
      {
        code: "SUSPECT_WAITS",
        message: `${crashes} processes died while it ran, so it runs alone; another such job runs in this process now`,
      },
    );
  }
}
