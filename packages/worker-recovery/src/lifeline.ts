import { ownConnection, settleWithin } from "@oppulence/worker-core";
import type { Client, Pool } from "pg";

/** Runs one statement within a bound, and resolves to its rows. */
export type BoundedQuery = <R extends object>(
  text: string,
  values: readonly unknown[],
  timeoutMs: number,
) => Promise<R[]>;

/**
 * A connection of its own for the heartbeat.
 *
 * Through the worker's pool a beat would wait behind tasks that hold all its connections, and a pool that is
 * merely busy would count as dead. A statement that does not answer in time gives its connection up, so a
 * network that swallows packets costs one bound and not the minutes that TCP takes to notice.
 */
export class Lifeline {
  readonly #pool: Pool;
  #client: Promise<Client> | undefined;
  #current: Client | undefined;
  #ended = false;

  /** @param pool - whose settings the connection has */
  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Runs a statement; connects first where there is no connection. Where that fails (the server has no
   * connection to spare, this one is broken), the pool is tried, so that a beat fails only if neither works.
   *
   * @param timeoutMs - for each of the two
   * @throws what `pg` throws; also when no answer comes in time
   */
  readonly query: BoundedQuery = async <R extends object>(
    text: string,
    values: readonly unknown[],
    timeoutMs: number,
  ) => {
    if (this.#ended) throw new Error("the heartbeat's connection was ended");
    const query = { text, values: values as unknown[], query_timeout: timeoutMs };
    this.#client ??= this.#connect(timeoutMs);
    const connecting = this.#client;
    try {
      const client = await connecting;
      return (await client.query<R & Record<string, unknown>>(query)).rows;
    } catch {
      this.#drop(connecting);
    }
    const viaPool = this.#pool.query<R & Record<string, unknown>>(query);
    // A pool may let the wait for a free connection last for ever.
    const late = () => new Error(`no connection of the pool was free within ${timeoutMs} ms`);
    return (await settleWithin(viaPool, timeoutMs, late)).rows;
  };

  /** Closes the connection. */
  async end(): Promise<void> {
    this.#ended = true;
    const client = this.#client;
    this.#client = undefined;
    await client?.then((open) => open.end()).catch(() => {});
  }

  async #connect(timeoutMs: number): Promise<Client> {
    const client = ownConnection(this.#pool, { connectionTimeoutMillis: timeoutMs });
    // Unheard, an error of an idle connection would end the process.
    client.on("error", () => this.#forget(client));
    client.on("end", () => this.#forget(client));
    await client.connect();
    this.#current = client;
    return client;
  }

  #forget(client: Client): void {
    if (this.#current !== client) return;
    this.#current = undefined;
    this.#client = undefined;
  }

  #drop(connecting: Promise<Client>): void {
    if (this.#client === connecting) {
      this.#client = undefined;
      this.#current = undefined;
    }
    connecting.then((client) => client.end()).catch(() => {});
  }
}
