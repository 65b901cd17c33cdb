import { createHash } from "node:crypto";
import type { PluginHost, Query, RunTransaction } from "@oppulence/worker-core";

/** Plans by keys, whatever the statistics say of tables that were empty a moment ago; in the round trip of the begin. */
const BEGIN = `begin; set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off;
set local jit = off; set local plan_cache_mode = force_generic_plan`;

const names = new Map<string, string>();

/** A name for a statement: equal for equal texts only. */
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `saga_${createHash("sha256").update(text).digest("hex").slice(0, 24)}`;
    names.set(text, name);
  }
  return name;
}

/** Statements that a connection plans once. */
export interface Prepared {
  readonly query: Query;
  readonly transaction: RunTransaction;
}

/**
 * Statements and transactions on the pool whose statements are prepared: those that run at every step are long, and
 * to plan them takes longer than to run them.
 *
 * @param isPrepared - false where a connection is shared by transactions, as pgbouncer does
 */
export function prepared(
  { pool, query, transaction }: Pick<PluginHost, "pool" | "query" | "transaction">,
  isPrepared: boolean,
): Prepared {
  if (!isPrepared) return { query, transaction };
  return {
    query: async <R extends object>(text: string, values: readonly unknown[] = []) =>
      (await pool.query<R>({ name: nameOf(text), text, values: values as unknown[] })).rows,
    async transaction(body) {
      const client = await pool.connect();
      const named: Query = async <R extends object>(
        text: string,
        values: readonly unknown[] = [],
      ) => (await client.query<R>({ name: nameOf(text), text, values: values as unknown[] })).rows;
      try {
        await client.query(BEGIN);
        const answer = await body(named);
        await client.query("commit");
        client.release();
        return answer;
      } catch (error) {
        // A connection that cannot roll back is not lent again; the server rolls back when it closes.
        await client.query("rollback").then(
          () => client.release(),
          (cause: Error) => client.release(cause),
        );
        throw error;
      }
    },
  };
}
