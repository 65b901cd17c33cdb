import type pg from "pg";
import { openPool } from "./graphile.ts";

/** A pool that counts its statements. */
export interface CountingPool {
  readonly pool: pg.Pool;
  /** Statements sent so far, over all connections. */
  readonly sent: () => number;
}

/**
 * Opens a pool whose connections count what they send: each call of `query` is one round trip.
 *
 * @param counts - which statements, by their text; all when undefined
 */
export function countingPool(databaseUrl: string, counts?: RegExp): CountingPool {
  const pool = openPool(databaseUrl);
  let sent = 0;
  pool.on("connect", (client) => {
    const query = client.query;
    client.query = function counted(this: pg.PoolClient, ...args: unknown[]) {
      if (counts === undefined || counts.test(textOf(args[0]))) sent += 1;
      return Reflect.apply(query, this, args);
    } as typeof client.query;
  });
  return { pool, sent: () => sent };
}

function textOf(statement: unknown): string {
  return typeof statement === "string" ? statement : (statement as { text: string }).text;
}
