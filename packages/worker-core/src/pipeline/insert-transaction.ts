import type pg from "pg";
import { type Query, type Row, type Transaction, toQuery } from "../contract/query.ts";

/** What `savepoint` says outside a transaction. */
const NO_ACTIVE_TRANSACTION = "25P01";
const SAVEPOINT = "oppulence_worker_enqueue";

/**
 * The transaction that inserts jobs: none at all, for a single statement; one of our own, once a hook asks
 * or several statements are needed; or, within the caller's, a savepoint, so that a refused job leaves none
 * of its hooks' writes behind even if the caller goes on and commits.
 */
export class InsertTransaction {
  readonly #pool: pg.Pool;
  readonly #caller: Query | undefined;
  #client: pg.PoolClient | undefined;
  #state: "none" | "transaction" | "savepoint" = "none";
  #opening: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #aborted = false;

  constructor(pool: pg.Pool, caller: Transaction | undefined) {
    this.#pool = pool;
    this.#caller = caller === undefined ? undefined : toQuery(caller);
  }

  /** Runs a statement of the insert, inside the transaction if one is open. */
  readonly query: Query = <R extends Row>(
    text: string,
    values?: readonly unknown[],
  ): Promise<R[]> => {
    if (this.#caller !== undefined)
      return this.#inTurn(() => (this.#caller as Query)<R>(text, values));
    return this.#inTurn(async () => {
      const target = this.#client ?? this.#pool;
      return (await target.query<R>(text, values as unknown[])).rows;
    });
  };

  /** PostgreSQL has given the open transaction up after a statement in it failed: nothing can be inserted any more. */
  get aborted(): boolean {
    return this.#aborted;
  }

  /** Opens the transaction, once; resolves to its queries. */
  async open(): Promise<Query> {
    this.#opening ??= this.#open();
    await this.#opening;
    return this.query;
  }

  async #open(): Promise<void> {
    if (this.#caller === undefined) {
      this.#client = await this.#pool.connect();
      await this.#client.query("begin");
      this.#state = "transaction";
      return;
    }
    try {
      await this.query(`savepoint ${SAVEPOINT}`);
      this.#state = "savepoint";
    } catch (error) {
      if ((error as { code?: unknown }).code !== NO_ACTIVE_TRANSACTION) throw error;
      await this.query("begin");
      this.#state = "transaction";
    }
  }

  async commit(): Promise<void> {
    if (this.#state === "savepoint") await this.query(`release savepoint ${SAVEPOINT}`);
    if (this.#state === "transaction") await this.query("commit");
    this.#state = "none";
    this.#client?.release();
    this.#client = undefined;
  }

  async rollback(): Promise<void> {
    const client = this.#client;
    try {
      if (this.#state === "savepoint") await this.query(`rollback to savepoint ${SAVEPOINT}`);
      if (this.#state === "transaction") await this.query("rollback");
      client?.release();
    } catch (error) {
      // A connection that cannot roll back is not lent again; the server rolls back when it closes.
      client?.release(error as Error);
    }
    this.#state = "none";
    this.#client = undefined;
  }

  /** One query at a time: hooks of many jobs may ask at once, and a connection answers one after another. */
  #inTurn<T>(query: () => Promise<T>): Promise<T> {
    if (this.#opening === undefined && this.#caller === undefined) return query();
    const turn = this.#last.then(query);
    this.#last = turn.catch(() => {
      this.#aborted = this.#state !== "none";
    });
    return turn;
  }
}
