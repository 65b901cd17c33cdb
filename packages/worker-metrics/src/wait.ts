import type { Job } from "@oppulence/worker-core";

/**
 * Seconds from when a job was due until its run started; never negative, whatever the clocks say.
 *
 * `run_at` and `locked_at` are both the database's, so due → claimed is exact and no clock of this machine
 * is in it. Claimed → started (the answer's way, the local queue) needs one: it is the estimate of the
 * database's clock now, and counts only as far as it is later than the claim.
 *
 * @param databaseNowMs - the database's clock when the run started; not a number while it is unknown
 */
export function waitSeconds(
  { run_at, locked_at }: Pick<Job, "run_at" | "locked_at">,
  databaseNowMs: number,
): number {
  const due = run_at.getTime();
  const claimed = locked_at === null ? due : locked_at.getTime();
  const started = Number.isNaN(databaseNowMs) ? claimed : Math.max(claimed, databaseNowMs);
  return Math.max(0, started - due) / 1_000;
}
