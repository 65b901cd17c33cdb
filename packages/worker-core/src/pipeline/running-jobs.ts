import type { JobRun } from "./job-run.ts";

/**
 * The runs that are under way.
 *
 * Slots that are used again, and no `Set`: a `Set` under constant adding and deleting is given a new table
 * every few dozen entries, and an old table that has been promoted keeps the newer ones, and the runs in
 * them, from the young generation's collector. Measured: three times the garbage to promote.
 */
export class RunningJobs implements Iterable<JobRun> {
  private readonly slots: (JobRun | undefined)[] = [];
  private readonly free: number[] = [];

  add(run: JobRun): void {
    const slot = this.free.pop() ?? this.slots.length;
    this.slots[slot] = run;
    run.slot = slot;
  }

  /** Safe to call again. */
  delete(run: JobRun): void {
    if (run.slot < 0) return;
    this.slots[run.slot] = undefined;
    this.free.push(run.slot);
    run.slot = -1;
  }

  /** Those of this moment; runs may come and go while they are gone through. */
  [Symbol.iterator](): Iterator<JobRun> {
    return this.slots.filter((run) => run !== undefined)[Symbol.iterator]();
  }
}
