import { hasCode } from "@oppulence/worker-core";

/**
 * A pool of this process was declared dead: the process was paused, or could not reach the database, for
 * longer than its lease. Its jobs are back in the queue. The signals of those that still run abort with it.
 */
export class PoolLostError extends Error {
  readonly code = "POOL_LOST";
  override readonly name = "PoolLostError";
  /** Id of the lost pool. */
  readonly pool: string;

  /**
   * @param pool - the pool's id
   * @param silentMs - how long ago its last beat was, by this process's clocks
   */
  constructor(pool: string, silentMs: number) {
    super(
      `pool ${pool} was declared dead: it was silent for ${Math.round(silentMs / 100) / 10} s (the process was paused, or its event loop blocked, or it could not reach the database); its jobs belong to other workers now`,
    );
    this.pool = pool;
  }
}

/** Whether an error is a {@link PoolLostError}, of whichever copy of the package. */
export function isPoolLostError(error: unknown): error is PoolLostError {
  return hasCode(error, "POOL_LOST");
}

/** A job went down with so many of its pools that it counts as a poison pill; it is what its dead letter says. */
export class CrashLoopError extends Error {
  readonly code = "CRASH_LOOP";
  override readonly name = "CrashLoopError";
  /** Id of the job. */
  readonly job: string;
  /** The task's identifier. */
  readonly task: string;
  /** How many pools went down with it. */
  readonly crashes: number;

  constructor(job: string, task: string, crashes: number) {
    super(
      `job ${job} of task ${JSON.stringify(task)} was running in ${crashes} processes when they died; it is not tried again`,
    );
    this.job = job;
    this.task = task;
    this.crashes = crashes;
  }
}

/** Whether an error is a {@link CrashLoopError}, of whichever copy of the package. */
export function isCrashLoopError(error: unknown): error is CrashLoopError {
  return hasCode(error, "CRASH_LOOP");
}
