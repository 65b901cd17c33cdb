import type { Query, QueryClient } from "../contract/query.ts";
import { toQuery } from "../contract/query.ts";
import { toDatabaseError } from "./database-error.ts";

/** A client of a pool. */
interface PooledClient extends QueryClient {
  release(destroy?: boolean | Error): void;
}

/** A `pg` pool, or anything that hands out clients like one. */
interface ClientPool {
  connect(): Promise<PooledClient>;
}

/** Where to run: on a client of the pool, or on the given client, which must not be in a transaction. */
export type Connection =
  | { readonly pool: ClientPool; readonly client?: undefined }
  | { readonly client: QueryClient; readonly pool?: undefined };

/** The parts of `pg`'s client that are used where they are there. */
interface PgClient {
  on?(event: "error", listener: (error: Error) => void): unknown;
  removeListener?(event: "error", listener: (error: Error) => void): unknown;
  getTransactionStatus?(): "I" | "T" | "E" | null;
}

/**
 * Runs `body` on one client, and gives it back whatever happens.
 *
 * @throws DatabaseUnreachableError or MissingRightError when there is no connection or it is lost;
 * TypeError when the given client is in a transaction, which migrating would commit
 */
export async function withClient<T>(
  connection: Connection,
  body: (query: Query) => Promise<T>,
): Promise<T> {
  if (connection.client !== undefined) {
    assertIdle(connection.client as PgClient);
    return guarded(connection.client, connection, body);
  }
  const client = await connect(connection.pool);
  let isBroken = true;
  try {
    const result = await guarded(client, connection, body);
    isBroken = false;
    return result;
  } catch (error) {
    isBroken = !isIdle(client as PgClient);
    throw error;
  } finally {
    client.release(isBroken);
  }
}

async function connect(pool: ClientPool): Promise<PooledClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw toDatabaseError(error, pool, "connecting");
  }
}

/** `pg` emits an error besides rejecting when a connection is cut; unheard, it ends the process. */
async function guarded<T>(
  client: QueryClient,
  connection: Connection,
  body: (query: Query) => Promise<T>,
): Promise<T> {
  const emitter = client as PgClient;
  const ignore = (): void => {};
  emitter.on?.("error", ignore);
  try {
    return await body(toQuery(client));
  } catch (error) {
    throw toDatabaseError(error, connection.pool ?? client, "querying");
  } finally {
    emitter.removeListener?.("error", ignore);
  }
}

function assertIdle(client: PgClient): void {
  if (isIdle(client)) return;
  throw new TypeError(
    "the client is in a transaction; migrating begins and commits its own: pass a client outside of any",
  );
}

/** Clients that cannot tell are taken to be idle. */
function isIdle(client: PgClient): boolean {
  const status = client.getTransactionStatus?.() ?? "I";
  return status === "I";
}
