import pg from "pg";
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
  const pool = openPool(databaseUrl) as pg.Pool & { Client: typeof pg.Client };
  let sent = 0;
  // The class: plugins make connections of their own with it, beside those of the pool.
  pool.Client = class extends pool.Client {
    override query = ((...args: unknown[]) => {
      if (counts === undefined || counts.test(textOf(args[0]))) sent += 1;
      return Reflect.apply(pg.Client.prototype.query, this, args);
    }) as pg.Client["query"];
  };
  return { pool, sent: () => sent };
}

function textOf(statement: unknown): string {
  return typeof statement === "string" ? statement : (statement as { text: string }).text;
}
