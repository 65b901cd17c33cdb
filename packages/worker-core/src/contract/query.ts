import { printValue } from "../print-value.ts";

/** Rows of a query, as `pg` and most drivers give them. */
export type Row = Record<string, unknown>;

/**
 * Runs one statement and resolves to its rows. Parameters are `$1`, `$2`, …
 *
 * The smallest thing that `pg`, Drizzle, Kysely, Prisma and postgres.js can all be turned into.
 */
export type Query = <R extends object = Row>(
  text: string,
  values?: readonly unknown[],
) => Promise<R[]>;

/** A `pg` client, or anything with its `query` method. */
export interface QueryClient {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/**
 * The caller's own transaction: a `pg` client, or a function `(text, values) => rows` that runs in it.
 *
 * @example
 * // postgres.js
 * await sql.begin((tx) => client.addJob(task, payload, { client: (text, values) => tx.unsafe(text, values as never[]) }));
 */
export type Transaction =
  | QueryClient
  | ((
      text: string,
      values: unknown[],
    ) => PromiseLike<readonly unknown[] | { rows: readonly unknown[] }>);

/** Turns either form of {@link Transaction} into a {@link Query}. */
export function toQuery(transaction: Transaction): Query {
  if (typeof transaction !== "function") {
    return async <R extends object>(text: string, values: readonly unknown[] = []) =>
      (await transaction.query(text, values as unknown[])).rows as R[];
  }
  return async <R extends object>(text: string, values: readonly unknown[] = []) => {
    const answer: unknown = await transaction(text, values as unknown[]);
    const rows = Array.isArray(answer) ? answer : (answer as { rows?: unknown } | undefined)?.rows;
    if (Array.isArray(rows)) return rows as R[];
    throw new TypeError(
      `client: the function resolved to ${printValue(answer)}; it resolves to the statement's rows, or to an object with rows`,
    );
  };
}
