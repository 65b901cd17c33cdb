import type { Client, ClientConfig, Pool } from "pg";

/**
 * A connection with a pool's settings, not yet connected, which the pool neither counts nor lends: for what
 * must not wait for connections that tasks hold. Whoever asked for it ends it.
 *
 * @param config - over the pool's settings
 * @throws TypeError for a pool that is not one of `pg`
 */
export function ownConnection(pool: Pool, config: ClientConfig = {}): Client {
  const { Client: Connection, options } = pool as unknown as {
    readonly Client?: new (config: ClientConfig) => Client;
    readonly options: ClientConfig;
  };
  if (typeof Connection !== "function")
    throw new TypeError(
      "the pool has no Client to make a connection of its own with; give a Pool of pg",
    );
  // A pool hides its password from enumeration, so a spread alone would leave it out.
  return new Connection({
    ...options,
    ...(options.password === undefined ? {} : { password: options.password }),
    ...config,
  });
}
