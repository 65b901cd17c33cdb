import { formatDuration, type Job, messageOf, type PluginHost } from "@oppulence/worker-core";
import { deadLettersOf } from "./dead-letters.ts";
import { CrashLoopError } from "./errors.ts";
import type { PoolRow, RecoveryStore } from "./postgres-store.ts";

/** One dead pool whose jobs were taken back. */
export interface SweptPool {
  readonly pool: string;
  readonly host: string;
  readonly pid: number;
  /** Its last beat, by the database's clock. */
  readonly beatAt: Date;
  /** How many jobs are back in the queue. */
  readonly returned: number;
  /** How many jobs were poison pills. */
  readonly poisoned: number;
}

/** What a {@link Sweeper} needs. */
export interface SweeperInput {
  readonly host: Pick<PluginHost, "engine" | "events" | "logger" | "plugin">;
  readonly store: Pick<RecoveryStore, "claimDead" | "startedIn" | "finish">;
  readonly maxCrashes: number;
  /** How long another sweeper may need for a pool before it is taken over from it. */
  readonly takeoverMs: number;
  /** Pools of this process. */
  readonly own: () => readonly string[];
  readonly onRecovered: (returned: number) => void;
  readonly onPoisoned: (task: string) => void;
}

/** Takes the jobs of dead pools back. */
export class Sweeper {
  readonly #input: SweeperInput;
  #underWay: Promise<readonly SweptPool[]> = Promise.resolve([]);
  #busy = false;
  #stopped = false;

  constructor(input: SweeperInput) {
    this.#input = input;
  }

  /** Whether a sweep is under way. */
  get busy(): boolean {
    return this.#busy;
  }

  /**
   * Takes back dead pools until there are no more, one sweep at a time.
   *
   * @param witnessMs - for how long it is known that the database was within reach
   * @throws what the database throws; what was begun is finished by a later sweep, of whoever
   */
  sweep(witnessMs: number): Promise<readonly SweptPool[]> {
    this.#underWay = this.#underWay.catch(() => {}).then(() => this.#sweep(witnessMs));
    return this.#underWay;
  }

  /** Waits for a sweep that is under way; none begins after that. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#underWay.catch(() => {});
  }

  async #sweep(witnessMs: number): Promise<readonly SweptPool[]> {
    const { store, own, takeoverMs } = this.#input;
    const swept: SweptPool[] = [];
    this.#busy = true;
    try {
      while (!this.#stopped) {
        const dead = await store.claimDead(own(), witnessMs, takeoverMs);
        if (dead === undefined) break;
        const one = await this.#recover(dead);
        const isSecondLook = dead.clean_at !== null && one.returned + one.poisoned === 0;
        if (!isSecondLook) swept.push(this.#tell(dead, one));
      }
    } finally {
      this.#busy = false;
    }
    return swept;
  }

  /** Each step may be the last of this process, and is safe to do again by another. */
  async #recover(dead: PoolRow): Promise<SweptPool> {
    const { host, store, maxCrashes, onRecovered } = this.#input;
    const { pool } = dead;
    const started = await store.startedIn(pool);
    const { returned, poisoned } = await host.engine.recover(pool, { started, maxCrashes });
    if (returned.length > 0) onRecovered(returned.length);
    for (const { id, task, crashes } of returned)
      host.events.emit("job:recovered", { id, task, crashes, pool });
    for (const { job, crashes } of poisoned) await this.#bury(pool, job, crashes);
    await store.finish(dead, returned.length + poisoned.length === 0);
    return {
      pool,
      host: dead.host,
      pid: dead.pid,
      beatAt: dead.beat_at,
      returned: returned.length,
      poisoned: poisoned.length,
    };
  }

  #tell(dead: PoolRow, swept: SweptPool): SweptPool {
    const { events, logger } = this.#input.host;
    logger.warn(
      `pool ${dead.pool} (process ${dead.pid} on ${dead.host}) is dead, silent for ${formatDuration(dead.silent_ms)}: ${swept.returned} jobs are back in the queue, ${swept.poisoned} were poison pills`,
    );
    events.emit("pool:recovered", swept);
    return swept;
  }

  async #bury(pool: string, job: Job, crashes: number): Promise<void> {
    const { host, onPoisoned } = this.#input;
    const error = new CrashLoopError(job.id, job.task_identifier, crashes);
    try {
      await deadLettersOf(host)?.moveToDeadLetter(job, { reason: "crash_loop", error });
    } catch (cause) {
      host.logger.error(
        `could not move job ${job.id} to the dead letters, it fails for good in the queue: ${messageOf(cause)}`,
        { error: cause },
      );
    }
    // Matches nothing where the job was moved; without dead letters, or where its task wants none, it stays.
    const reason = { plugin: "recovery", code: error.code, message: error.message };
    await host.engine.exhaust(job, reason);
    await host.engine.fail(pool, [{ id: job.id, message: error.message, payload: undefined }]);
    onPoisoned(job.task_identifier);
    host.events.emit("job:poisoned", { job, crashes, pool });
    host.logger.error(error.message);
  }
}
