import type { Engine, Query } from "@oppulence/worker-core";
import type { Ledger } from "./postgres-ledger.ts";

/**
 * Takes back slots that were enqueued ahead and have not come yet, when their schedule is paused, removed or
 * changed: in the transaction that does so, and after it has locked the schedule.
 */
export async function withdraw(
  engine: Pick<Engine, "take">,
  ledger: Ledger,
  query: Query,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  const jobs = await ledger.withdraw(query, keys);
  if (jobs.length > 0) await engine.take(jobs, query);
}
