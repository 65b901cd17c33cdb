import pg, { type Pool, type PoolClient, type PoolConfig } from "pg";

/** A pool and the way to close it. */
export interface GuardedPool {
  readonly pool: Pool;
  /**
   * Closes the pool, if its user has not, and waits until the server has ended its sessions: while
   * one is left, dropping or cloning the database waits for 100 ms at a time. Clients that were
   * never released are not waited for.
   */
  close(): Promise<void>;
}

const ignore = () => {};

/**
 * Opens a pool that survives the end of its connections, be it a restart of the server or
 * `drop database … with (force)`.
 *
 * Without listeners on the pool and on each client, such an end (57P01) is an unhandled `error`
 * event and kills the process. Queries under way are rejected all the same.
 */
export const guardedPool = (config: PoolConfig): GuardedPool => {
  const pool = new pg.Pool(config);
  const connected = new Set<PoolClient>();
  let onDisconnect = ignore;
  pool.on("error", ignore);
  pool.on("connect", (client) => {
    connected.add(client);
    client.on("error", ignore);
    client.once("end", () => {
      connected.delete(client);
      onDisconnect();
    });
  });

  const close = async () => {
    // Resolves before the connections have ended, or never if a client was not released.
    if (!pool.ending) pool.end().catch(ignore);
    // Sockets of a pool with `allowExitOnIdle` would not keep the process from ending here.
    const alive = setInterval(ignore, 60_000);
    await new Promise<void>((resolve) => {
      onDisconnect = () => {
        // What the pool still counts is not released; the rest is on its way out.
        if (connected.size <= pool.totalCount) resolve();
      };
      onDisconnect();
    });
    clearInterval(alive);
  };
  return { pool, close };
};
