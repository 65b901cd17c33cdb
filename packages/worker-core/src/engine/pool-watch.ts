import type pg from "pg";

type Client = pg.PoolClient;

/**
 * Keeps a pool's connections from ending the process when they break, and tells when one broke while it was
 * in use: then a claim may have been committed whose answer never came.
 *
 * @returns a function that stops watching
 */
export function watchPool(pool: pg.Pool, onBroken: (error: Error) => void): () => void {
  const idle = new WeakSet<Client>();
  const watched = new Map<Client, (error: Error) => void>();
  const watch = (client: Client) => {
    const onError = (error: Error) => {
      // The pool itself reports idle clients, in the same turn; nothing was asked of those.
      queueMicrotask(() => {
        if (!idle.has(client)) onBroken(error);
      });
    };
    watched.set(client, onError);
    client.on("error", onError);
  };
  const onIdleError = (_error: Error, client: Client) => void idle.add(client);
  const forget = (client: Client) => {
    const onError = watched.get(client);
    watched.delete(client);
    // Broken sockets may still report; an error without a listener would end the process.
    if (onError !== undefined) client.off("error", onError).on("error", () => {});
  };
  pool.on("connect", watch);
  pool.on("error", onIdleError);
  pool.on("remove", forget);
  return () => {
    pool.off("connect", watch);
    pool.off("error", onIdleError);
    pool.on("error", () => {});
    pool.off("remove", forget);
  };
}
