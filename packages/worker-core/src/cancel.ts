import { assertJobId } from "./job-id.ts";
import type { Runtime } from "./runtime.ts";

/** What became of jobs that were to be cancelled. */
export interface CancelReport {
  /** Ids of jobs that waited or had failed: they are gone. */
  readonly removed: readonly string[];
  /** Ids of jobs that run, whose signal was aborted. */
  readonly told: readonly string[];
  /** Ids of jobs that are not there, or run where no plugin reaches them. */
  readonly missed: readonly string[];
}

/**
 * Removes jobs that nobody holds, and asks the plugins about the others.
 *
 * @throws RangeError for an id that is none, before anything is cancelled
 */
export async function cancelJobs(
  { engine, composition }: Runtime,
  given: string | readonly string[],
  reason = "cancelled",
): Promise<CancelReport> {
  const ids = [...new Set(typeof given === "string" ? [given] : given)];
  for (const id of ids) assertJobId(id, "cancel");
  const removed = new Set(await engine.remove(ids));
  const told = new Set<string>();
  for (const { enabled, instance } of composition.installed) {
    const left = ids.filter((id) => !removed.has(id) && !told.has(id));
    if (!enabled || instance.cancel === undefined || left.length === 0) continue;
    for (const id of await instance.cancel(left, reason)) told.add(id);
  }
  return {
    removed: [...removed],
    told: [...told],
    missed: ids.filter((id) => !removed.has(id) && !told.has(id)),
  };
}
