import type { Job } from "graphile-worker";
import { BRAND, hasBrand } from "../contract/brand.ts";
import type { Reason } from "../contract/reason.ts";

/**
 * Thrown towards the engine after a job's row has been moved, so that the engine neither completes it
 * (which deletes by id, without looking at the lock) nor takes it for finished. It is not a failure.
 */
export class DeferSignal extends Error {
  readonly [BRAND] = "defer-signal" as const;
  override readonly name = "DeferSignal";
  readonly code = "DEFERRED";
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(`deferred by ${reason.plugin}: ${reason.message}`);
    this.reason = reason;
  }
}

/** Whether what a task threw is the core's own signal: the job was deferred, it did not fail. */
export function isDeferSignal(error: unknown): error is DeferSignal {
  return hasBrand(error, "defer-signal");
}

const settled = new WeakSet<Job>();

/** Remembers that the core has already written what becomes of this claim; see {@link fence}. */
export function markSettled(job: Job): void {
  settled.add(job);
}

/** Whether the core has written what becomes of this claim. */
export function isSettled(job: Job): boolean {
  return settled.has(job);
}

const skipped = new WeakSet<Job>();

/** Remembers that a job completes without having run, which the engine takes for success. */
export function markSkipped(job: Job): void {
  skipped.add(job);
}

/** Whether a job completes without having run. */
export function isSkipped(job: Job): boolean {
  return skipped.has(job);
}

/** The id of a claim whose end the core has written itself; no row has it. */
export const FENCED_ID = "-1";

/**
 * Makes every later write of the engine for this claim match no row.
 *
 * The engine completes by id alone and fails by id and pool. A write that is still on its way when the job
 * has been moved on, and perhaps claimed again by this very pool, would hit that new claim. No id is −1, so
 * after this the engine's in-memory copy of the claim can do no harm, however late it ends.
 */
export function fence(job: Job): void {
  (job as { id: string }).id = FENCED_ID;
}
