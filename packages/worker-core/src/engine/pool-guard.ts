import type pg from "pg";

/**
 * Keeps a pool's connections from ending the process when they break: an `error` event that nobody hears is
 * thrown. Whoever used the connection is told by its query.
 *
 * @returns a function that stops it; connections of that time stay guarded
 */
export function guardPool(pool: pg.Pool): () => void {
  const ignore = () => {};
  const guardClient = (client: pg.PoolClient) => void client.on("error", ignore);
  pool.on("error", ignore);
  pool.on("connect", guardClient);
  return () => {
    pool.off("connect", guardClient);
    // A pool that ends still has sockets to close, which may break on the way.
    if (!pool.ended && !pool.ending) pool.off("error", ignore);
  };
}
