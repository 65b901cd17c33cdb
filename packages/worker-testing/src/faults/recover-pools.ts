import type { Engine } from "@oppulence/worker-core";

/**
 * Gives back what the pools of dead processes hold: their jobs become ready again, with the attempt that
 * the crash would have cost, and their queues are free.
 *
 * graphile-worker by itself waits four hours. Call it only for pools whose process is known to be dead: a
 * job of a living one would run twice.
 *
 * @param engine - a worker's or client's
 * @param pools - ids of the pools, such as `Killed.pools` or `SpawnedWorker.pools`
 * @returns how many jobs came back
 */
export async function recoverPools(
  engine: Pick<Engine, "giveBack" | "lockOwners">,
  pools: readonly string[],
): Promise<number> {
  const owners = await engine.lockOwners();
  let returned = 0;
  for (const { pool } of owners) {
    if (pools.includes(pool)) returned += await engine.giveBack(pool);
  }
  return returned;
}
