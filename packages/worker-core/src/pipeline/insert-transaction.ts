import type pg from "pg";
import { type Query, type Transaction, toQuery } from "../contract/query.ts";
import { InvalidJobError } from "../errors.ts";
import { printValue } from "../print-value.ts";

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
  #ended = false;

  /** @throws InvalidJobError when `caller` is no client in a transaction */
  constructor(pool: pg.Pool, caller: Transaction | undefined) {
    if (caller !== undefined) assertClient(caller);
    this.#pool = pool;
    this.#caller = caller === undefined ? undefined : toQuery(caller);
  }

  /** Runs a statement of the insert, inside the transaction if one is open. */
  readonly query: Query = <R extends object>(
    text: string,
    values?: readonly unknown[],
  ): Promise<R[]> =>
    this.#inTurn(async () => {
      // A hook that writes after its timeout: there is no job any more for that to stand or fall with.
      if (this.#ended) throw new Error("the transaction that inserts the job has ended");
      if (this.#caller !== undefined) return this.#caller<R>(text, values);
      const target = this.#client ?? this.#pool;
      return (await target.query<R>(text, values as unknown[])).rows;
    });

  /** Ends the transaction, and keeps what comes after out. */
  async #end(...statements: string[]): Promise<void> {
    const target = this.#caller ?? ((text: string) => (this.#client as pg.PoolClient).query(text));
    await this.#inTurn(async () => {
      this.#ended = true;
      for (const statement of statements) await target(statement);
    });
  }

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
    if (this.#state === "savepoint") await this.#end(`release savepoint ${SAVEPOINT}`);
    if (this.#state === "transaction") await this.#end("commit");
    this.#ended = true;
    this.#state = "none";
    this.#client?.release();
    this.#client = undefined;
  }

  async rollback(): Promise<void> {
    const client = this.#client;
    try {
      if (this.#state === "savepoint")
        await this.#end(`rollback to savepoint ${SAVEPOINT}`, `release savepoint ${SAVEPOINT}`);
      if (this.#state === "transaction") await this.#end("rollback");
      client?.release();
    } catch (error) {
      // A connection that cannot roll back is not lent again; the server rolls back when it closes.
      client?.release(error as Error);
    }
    this.#ended = true;
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

function assertClient(client: unknown): void {
  if (typeof client === "function") return;
  const right = "pass a pg client in a transaction, or a function (text, values) => rows";
  const { query, totalCount } = (client ?? {}) as { query?: unknown; totalCount?: unknown };
  if (typeof query !== "function")
    throw new InvalidJobError(`client got ${printValue(client)}; ${right}`);
  // Each of a pool's queries may go over another connection, a `begin` and its `commit` too.
  if (typeof totalCount === "number")
    throw new InvalidJobError(`client got a pool, which has no transaction of its own; ${right}`);
}
