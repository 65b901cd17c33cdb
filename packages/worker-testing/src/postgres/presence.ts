import pg from "pg";
import { hostOf } from "./connection-url.ts";
import { TestPostgresError } from "./errors.ts";
import { presenceName } from "./external-server.ts";

const RECONNECT_MS = 200;

/** A connection that shows other runs on the server that this one is alive. */
export interface Presence {
  readonly client: pg.Client;
  close(): Promise<void>;
}

const connect = async (url: string, run: string): Promise<pg.Client> => {
  const client = new pg.Client({
    connectionString: url,
    application_name: presenceName(run),
    keepAlive: true,
  });
  client.on("error", () => {});
  await client.connect();
  return client;
};

/**
 * Announces the run, and does so again when its connection is lost.
 * @throws {@link TestPostgresError} `UNREACHABLE`
 */
export const announceRun = async (url: string, run: string): Promise<Presence> => {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const keep = (client: pg.Client): pg.Client => {
    const again = () => {
      if (closed) return;
      timer = setTimeout(() => {
        connect(url, run).then((next) => {
          current = keep(next);
          if (closed) void next.end();
        }, again);
      }, RECONNECT_MS).unref();
    };
    return client.once("end", again);
  };

  let current: pg.Client;
  try {
    current = keep(await connect(url, run));
  } catch (cause) {
    throw new TestPostgresError(
      "UNREACHABLE",
      `cannot connect to PostgreSQL at ${hostOf(url)} (DATABASE_URL): ${(cause as Error).message}`,
      { cause },
    );
  }
  return {
    get client() {
      return current;
    },
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await current.end();
    },
  };
};
