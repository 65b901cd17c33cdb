import type { Pool, PoolConfig } from "pg";
import { type GuardedPool, guardedPool } from "./guarded-pool.ts";

/** Options of a pool, less where it connects to. */
export type TestPoolOptions = Omit<PoolConfig, "connectionString" | "database">;

/** A database for one test. */
export interface TestDatabase {
  readonly name: string;
  /** `postgres://user:password@host:port/name`, for programs that connect by themselves. */
  readonly url: string;
  /**
   * Opens a pool, with error handlers on it and on each of its clients. {@link drop} closes it.
   * @param options - `pg`'s own
   */
  pool(options?: TestPoolOptions): Pool;
  /** Closes the pools, ends whatever else is connected and removes the database. Repeating it does nothing. */
  drop(): Promise<void>;
}

/** Makes the handle of a database that exists; `remove` is called once, after the pools are closed. */
export const testDatabaseHandle = (
  name: string,
  url: string,
  remove: () => Promise<void>,
): TestDatabase => {
  const pools: GuardedPool[] = [];
  let dropped: Promise<void> | undefined;
  return {
    name,
    url,
    pool: (options) => {
      const guarded = guardedPool({ ...options, connectionString: url });
      pools.push(guarded);
      return guarded.pool;
    },
    drop: () => {
      dropped ??= Promise.all(pools.map((pool) => pool.close())).then(remove);
      dropped.catch(() => {
        dropped = undefined; // the server may be up again next time
      });
      return dropped;
    },
  };
};
