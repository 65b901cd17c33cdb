import {
  type Around,
  type Clock,
  formatDuration,
  messageOf,
  type PluginHost,
  type RunInput,
} from "@oppulence/worker-core";
import { JobTimeoutError } from "./errors.ts";

/** A task that goes on although its attempt has timed out. */
export interface StuckJob {
  readonly id: string;
  /** The task identifier. */
  readonly task: string;
  /** When the attempt timed out. */
  readonly since: Date;
}

/** What {@link Timeouts} needs. */
export interface TimeoutsInput {
  readonly clock: Clock;
  readonly logger: PluginHost["logger"];
  /** Told of each attempt that times out. */
  readonly onTimeout: (task: string) => void;
  /** Told how many are stuck, whenever that changes. */
  readonly onStuck: (count: number) => void;
}

/** Bounds attempts in time, and keeps count of the tasks that do not heed it. */
export class Timeouts {
  readonly #input: TimeoutsInput;
  readonly #stuck = new Set<StuckJob>();

  constructor(input: TimeoutsInput) {
    this.#input = input;
  }

  /** The tasks that still run although their attempt has timed out, oldest first. */
  stuck(): readonly StuckJob[] {
    return [...this.#stuck];
  }

  /**
   * Wraps the run of a job: after `timeoutMs` its signal aborts and the attempt fails, whatever the task does.
   *
   * A task that is synchronous throughout is never waited for, and so never times out.
   */
  around(run: RunInput, timeoutMs: number): Around {
    return (next) => {
      const result = next();
      const isOver = !isPromise(result) && !isBatch(run.job.payload, result);
      return isOver ? result : this.#race(run, timeoutMs, allOf(run, result));
    };
  }

  #race(run: RunInput, timeoutMs: number, work: Promise<unknown>): Promise<unknown> {
    const { clock } = this.#input;
    return new Promise((resolve, reject) => {
      let stuck: StuckJob | undefined;
      const timer = clock.setTimeout(() => {
        const error = new JobTimeoutError(run.job.id, run.task.identifier, timeoutMs);
        stuck = this.#add(run);
        reject(error);
        run.abort(error);
      }, timeoutMs);
      const settle = (how: () => void, what: string) => {
        clock.clearTimeout(timer);
        if (stuck === undefined) how();
        else this.#remove(stuck, what);
      };
      work.then(
        (value) => settle(() => resolve(value), "returned"),
        (error: unknown) => settle(() => reject(error as Error), `threw: ${messageOf(error)}`),
      );
    });
  }

  #add(run: RunInput): StuckJob {
    const { clock, onTimeout, onStuck } = this.#input;
    const { identifier } = run.task;
    const stuck = { id: run.job.id, task: identifier, since: new Date(clock.now()) };
    this.#stuck.add(stuck);
    onTimeout(identifier);
    onStuck(this.#stuck.size);
    return stuck;
  }

  /** What a zombie comes to counts for nothing; only the log tells. */
  #remove(stuck: StuckJob, what: string): void {
    const { clock, logger, onStuck } = this.#input;
    this.#stuck.delete(stuck);
    onStuck(this.#stuck.size);
    const lateMs = clock.now() - stuck.since.getTime();
    const message = `task ${stuck.task} of job ${stuck.id} ended ${formatDuration(lateMs)} after its timeout and ${what}`;
    if (lateMs < HEEDED_MS) logger.debug(message);
    else logger.warn(`${message}; it should heed its signal`);
  }
}

/** A task that ends so soon after its signal aborted has heeded it. */
const HEEDED_MS = 1_000;

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === "function";
}

/** A batch job's task returns one promise an entry: it has ended when they all have. */
async function allOf({ job }: RunInput, result: unknown): Promise<unknown> {
  const value = await result;
  if (isBatch(job.payload, value)) await Promise.allSettled(value);
  return value;
}

function isBatch(payload: unknown, value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && Array.isArray(payload) && value.length === payload.length;
}
