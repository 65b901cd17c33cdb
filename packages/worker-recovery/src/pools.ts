import type { PluginHost } from "@oppulence/worker-core";
import { type RecoveryStore, stateOf } from "./postgres-store.ts";

/** A pool of graphile-worker that is registered, or holds locks. */
export interface PoolInfo {
  /** Its id, as in `locked_by` of its jobs. */
  readonly pool: string;
  /**
   * `alive`; `late`: two beats are missing; `dead`: its jobs are being taken back, or will be at the next
   * sweep; `unknown`: it holds jobs and never had a heartbeat (another program, or a worker without this
   * plugin), so nobody takes them back but graphile-worker, after four hours.
   */
  readonly state: "alive" | "late" | "dead" | "unknown";
  /** Where it runs; undefined when unknown, as are the next ones. */
  readonly host: string | undefined;
  readonly pid: number | undefined;
  readonly startedAt: Date | undefined;
  /** Its last beat, by the database's clock. */
  readonly beatAt: Date | undefined;
  /** How long it may be silent. */
  readonly deadAfterMs: number | undefined;
  /** Jobs that it holds: those that run, and those in its local queue. */
  readonly jobs: number;
}

/** Lists pools, the most silent first, those without a heartbeat last. Reads every row of the queue. */
export async function listPools(
  store: Pick<RecoveryStore, "pools">,
  engine: Pick<PluginHost["engine"], "lockOwners">,
): Promise<PoolInfo[]> {
  const [rows, owners] = await Promise.all([store.pools(), engine.lockOwners()]);
  const jobs = new Map(owners.map((owner) => [owner.pool, owner.jobs]));
  const known = new Set(rows.map(({ pool }) => pool));
  return [
    ...rows.map((row) => ({
      pool: row.pool,
      state: stateOf(row),
      host: row.host,
      pid: row.pid,
      startedAt: row.started_at,
      beatAt: row.beat_at,
      deadAfterMs: row.dead_after_ms,
      jobs: jobs.get(row.pool) ?? 0,
    })),
    ...owners
      .filter(({ pool }) => !known.has(pool))
      .map(({ pool, jobs: held }) => ({
        pool,
        state: "unknown" as const,
        host: undefined,
        pid: undefined,
        startedAt: undefined,
        beatAt: undefined,
        deadAfterMs: undefined,
        jobs: held,
      })),
  ];
}
