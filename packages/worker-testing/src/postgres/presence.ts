import type { Client } from "pg";
import { hostOf } from "./connection-url.ts";
import { TestPostgresError } from "./errors.ts";
import { presenceName } from "./external-server.ts";
import { connectClient } from "./with-client.ts";

const RECONNECT_MS = 200;

/** A connection that shows other runs on the server that this one is alive. */
export interface Presence {
  close(): Promise<void>;
}

/**
 * Announces the run, and does so again when its connection is lost.
 * @throws {@link TestPostgresError} `UNREACHABLE`
 */
export const announceRun = async (url: string, run: string): Promise<Presence> => {
  const connect = () =>
    connectClient({
      connectionString: url,
      application_name: presenceName(run),
      keepAlive: true,
    });
  let current: Client | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const keep = (client: Client) => {
    if (closed) return client.end();
    current = client;
    client.once("end", again);
  };
  const again = () => {
    current = undefined;
    if (closed) return;
    timer = setTimeout(() => connect().then(keep, again), RECONNECT_MS).unref();
  };

  try {
    await keep(await connect());
  } catch (cause) {
    throw new TestPostgresError(
      "UNREACHABLE",
      `cannot connect to PostgreSQL at ${hostOf(url)} (DATABASE_URL): ${(cause as Error).message}`,
      { cause },
    );
  }
  return {
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await current?.end();
    },
  };
};
