import { ownConnection, type Query } from "@oppulence/worker-core";
import type { Client, Pool } from "pg";

/** After a connection could not be made, the pool's are used for so long. */
const AGAIN_AFTER_MS = 5_000;

/**
 * One connection beside the pool for what jobs wait for: it does not queue behind tasks that hold the pool's, and the
 * plans of the functions are made once, not once a connection of the pool. Where it cannot be had, the pool is used.
 */
export class StoreConnection {
  readonly #pool: Pool;
  readonly #viaPool: Query;
  #client: Promise<Client | undefined> | undefined;
  /** The last statement given to the connection; never rejects. A client takes one at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #failedAt = Number.NEGATIVE_INFINITY;
  #isOver = false;

  constructor(pool: Pool, viaPool: Query) {
    this.#pool = pool;
    this.#viaPool = viaPool;
  }

  /** Runs a statement, once: what becomes of one whose connection breaks is not known. */
  readonly query: Query = async (text, values = []) => {
    const client = await this.#open();
    if (client === undefined) return this.#viaPool(text, values);
    const asked = this.#last.then(() => client.query(text, values as unknown[]));
    this.#last = asked.catch(() => {});
    return (await asked).rows as never;
  };

  async end(): Promise<void> {
    this.#isOver = true;
    const client = this.#client;
    this.#client = undefined;
    await client?.then((open) => open?.end()).catch(() => {});
  }

  #open(): Promise<Client | undefined> {
    if (this.#client !== undefined) return this.#client;
    if (this.#isOver || performance.now() - this.#failedAt < AGAIN_AFTER_MS)
      return Promise.resolve(undefined);
    const connecting = this.#connect();
    this.#client = connecting;
    return connecting;
  }

  async #connect(): Promise<Client | undefined> {
    try {
      const client = ownConnection(this.#pool);
      const forget = () => {
        this.#client = undefined;
      };
      // Unheard, an error of an idle connection would end the process.
      client.on("error", forget);
      client.on("end", forget);
      await client.connect();
      return client;
    } catch {
      this.#failedAt = performance.now();
      this.#client = undefined;
      return undefined;
    }
  }
}
