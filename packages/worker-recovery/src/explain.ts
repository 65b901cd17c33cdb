import { type ExplainInput, type Explanation, formatDuration } from "@oppulence/worker-core";
import { type RecoveryStore, stateOf } from "./postgres-store.ts";
import { crashesOf } from "./suspects.ts";

/** Says of a job that its pool is silent, or that pools went down with it. */
export async function explainJob(
  store: Pick<RecoveryStore, "pool">,
  input: ExplainInput,
): Promise<Explanation | undefined> {
  const { job } = input;
  const row = job.locked_by === null ? undefined : await store.pool(job.locked_by);
  if (row !== undefined && stateOf(row) !== "alive") {
    const since = `its pool ${row.pool} (process ${row.pid} on ${row.host}) has been silent for ${formatDuration(row.silent_ms)}`;
    return stateOf(row) === "dead"
      ? { code: "POOL_DEAD", message: `${since} and counts as dead`, blocking: true }
      : {
          code: "POOL_LATE",
          message: `${since}; after ${formatDuration(row.dead_after_ms)} it counts as dead`,
          until: new Date(row.beat_at.getTime() + row.dead_after_ms),
          blocking: true,
        };
  }
  const crashes = crashesOf(input);
  if (crashes === 0) return undefined;
  return {
    code: "SUSPECT",
    message:
      crashes === 1
        ? "its pool died while it was there; nobody knows yet whether because of it"
        : `${crashes} processes died while it was there, the last ${crashes - 1} while it ran`,
    blocking: false,
  };
}
