import pg from "pg";
import { type Query, toQuery } from "./contract/query.ts";
import { ConfigurationError } from "./errors.ts";
import type { ClientOptions } from "./options.ts";

const DEFAULT_MAX = 10;

/**
 * The pool that the options ask for; not connected yet.
 *
 * @returns the pool, and whether it is ours to end
 * @throws ConfigurationError when there is no database
 */
export function makePool(
  options: Pick<ClientOptions, "pool" | "connectionString">,
  worker: GraphileConfig.WorkerOptions,
): { pool: pg.Pool; owned: boolean } {
  if (options.pool !== undefined) return { pool: options.pool, owned: false };
  const connectionString =
    options.connectionString ?? worker.connectionString ?? process.env.DATABASE_URL;
  if (connectionString === undefined && process.env.PGDATABASE === undefined) {
    throw new ConfigurationError([
      "no database: give connectionString or pool, or set DATABASE_URL (or PGDATABASE and its kin) in the environment",
    ]);
  }
  const pool = new pg.Pool({
    ...(connectionString === undefined ? {} : { connectionString }),
    max: worker.maxPoolSize ?? DEFAULT_MAX,
  });
  return { pool, owned: true };
}

/** Refuses two databases. @throws ConfigurationError */
export function assertOneDatabase(options: Pick<ClientOptions, "pool" | "connectionString">): void {
  if (options.pool === undefined || options.connectionString === undefined) return;
  throw new ConfigurationError(["got both pool and connectionString; give one of them"]);
}

/** A pool that nobody connects: for checks without a database. */
export function unconnectedPool(): { pool: pg.Pool; owned: boolean } {
  return { pool: new pg.Pool(), owned: true };
}

/**
 * Runs `body` in one transaction of its own.
 *
 * @returns what `body` returned, once committed
 * @throws what `body` threw, once rolled back
 */
export async function inTransaction<T>(
  pool: pg.Pool,
  body: (query: Query) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("begin");
    const result = await body(toQuery(client));
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    // A connection that cannot roll back is not lent again; the server rolls back when it closes.
    client.release(broken);
  }
}
