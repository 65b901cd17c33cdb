import pg from "pg";
import { type Statement, statementName } from "./statement.ts";

/** Told of every statement of a pool. */
export interface StatementProbe {
  /** The statement is about to be sent. */
  before(statement: Statement): void;
  /** The database has answered; nobody has seen the answer yet. */
  after(statement: Statement, rowCount: number): void;
}

type Query = (...args: unknown[]) => unknown;
type Callback = (error: unknown, result: unknown) => void;

/**
 * A pool that tells of its statements: those through `pool.query` and those through its clients, with
 * promises and with callbacks.
 */
export function probedPool(config: pg.PoolConfig, probe: StatementProbe): pg.Pool {
  const pool = new pg.Pool(config);
  let count = 0;
  pool.on("error", () => {});
  // Comes before the client is lent for the first time.
  pool.on("connect", (client) => {
    const query = client.query.bind(client) as Query;
    (client as { query: Query }).query = (...args) => {
      const text = textOf(args[0]);
      // Cursors and streams bring their own protocol.
      if (text === undefined) return query(...args);
      const name = statementName((args[0] as { name?: string }).name);
      count += 1;
      return probed(query, args, { name, text, index: count }, probe);
    };
  });
  return pool;
}

function textOf(query: unknown): string | undefined {
  if (typeof query === "string") return query;
  const { text, submit } = query as { text?: unknown; submit?: unknown };
  return typeof text === "string" && submit === undefined ? text : undefined;
}

function probed(
  query: Query,
  args: unknown[],
  statement: Statement,
  probe: StatementProbe,
): unknown {
  probe.before(statement);
  const callback = args.at(-1);
  if (typeof callback === "function") {
    const told: Callback = (error, result) => {
      if (!error) probe.after(statement, rowsOf(result));
      (callback as Callback)(error, result);
    };
    return query(...args.slice(0, -1), told);
  }
  return (query(...args) as Promise<unknown>).then((result) => {
    probe.after(statement, rowsOf(result));
    return result;
  });
}

/** Several statements in one text have several results. */
function rowsOf(result: unknown): number {
  const results = Array.isArray(result) ? result : [result];
  return results.reduce((sum, one) => sum + ((one as pg.QueryResult).rowCount ?? 0), 0);
}
