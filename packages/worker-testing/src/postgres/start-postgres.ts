import { checkUrl } from "./connection-url.ts";
import { newRun } from "./database-names.ts";
import { connectPostgres, type TestDatabases } from "./databases.ts";
import { type EmbeddedServer, type RestartMode, startEmbeddedServer } from "./embedded-server.ts";
import { TestPostgresError } from "./errors.ts";
import { checkServer, dropRun, dropStaleRuns } from "./external-server.ts";
import type { StartPostgresOptions } from "./options.ts";
import { announceRun } from "./presence.ts";
import { reapStaleServers } from "./reaper.ts";
import { withClient } from "./with-client.ts";

/** How to take the server down and up again. */
export interface RestartOptions {
  /**
   * `fast` ends the connections and shuts down in order; `immediate` ends it as a crash would, and
   * the start recovers from the log. Neither loses a commit.
   * @defaultValue "fast"
   */
  readonly mode?: RestartMode;
  /** Runs while the server is down; it comes up again when this is done. */
  readonly whileDown?: () => Promise<void> | void;
}

/** A server for a run of tests. */
export interface TestPostgres extends Omit<TestDatabases, "close"> {
  /** The folder of the server's data and `server.log`; `undefined` for a server that is not ours. */
  readonly folder: string | undefined;
  /**
   * Takes the server down and up again, on the same port and with the same data.
   * @throws {@link TestPostgresError} `NOT_EMBEDDED` for a server that is not ours
   */
  restart(options?: RestartOptions): Promise<void>;
  /**
   * Drops every database of the run and, if the server is ours, ends it and removes its folder.
   * Repeating it does nothing.
   */
  stop(): Promise<void>;
}

const once = (run: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
};

const onEmbedded = (server: EmbeddedServer): TestPostgres => {
  const { close, ...databases } = connectPostgres({ url: server.url, run: newRun() });
  return {
    ...databases,
    folder: server.folder,
    restart: ({ mode = "fast", whileDown = () => {} } = {}) => server.restart(mode, whileDown),
    stop: once(async () => {
      // The server may be down, or the test may have ended it: its folder goes in any case.
      await close().catch(() => {});
      await server.stop();
    }),
  };
};

const onExternal = async (url: string): Promise<TestPostgres> => {
  checkUrl(url);
  const run = newRun();
  const presence = await announceRun(url, run);
  try {
    await withClient(url, async (client) => {
      await checkServer(client, url);
      await dropStaleRuns(client);
    });
  } catch (error) {
    await presence.close();
    throw error;
  }
  const { close, ...databases } = connectPostgres({ url, run });
  return {
    ...databases,
    folder: undefined,
    restart: async () => {
      throw new TestPostgresError(
        "NOT_EMBEDDED",
        "only a server that was started here can be restarted: pass `url: false`",
      );
    },
    stop: once(async () => {
      await close();
      await withClient(url, (client) => dropRun(client, run));
      await presence.close();
    }),
  };
};

/**
 * Provides a real PostgreSQL for tests: the server at `DATABASE_URL` if that is set, otherwise an
 * embedded one that is started on a free port, in about a second.
 *
 * Ends the servers that killed runs have left behind. Stop it when the tests are done; if the
 * process ends without doing so, even by SIGKILL, the server and its folder go with it.
 *
 * @throws {@link TestPostgresError} `PORT_IN_USE`, `DATA_DIRECTORY`, `PLATFORM_MISSING` or
 * `START_FAILED` for an embedded server; `INVALID_URL`, `UNREACHABLE` or `MISSING_PRIVILEGE` for
 * another
 *
 * @example
 * ```ts
 * const postgres = await startPostgres();
 * const template = await postgres.template("worker", ({ pool }) => runMigrations({ pgPool: pool() }));
 * const database = await postgres.createDatabase({ template });
 * await database.pool().query("select 1");
 * await postgres.stop();
 * ```
 */
export const startPostgres = async (options: StartPostgresOptions = {}): Promise<TestPostgres> => {
  const { url = process.env.DATABASE_URL } = options;
  if (url) return onExternal(url);
  const [server] = await Promise.all([
    startEmbeddedServer(options),
    reapStaleServers(options.directory),
  ]);
  return onEmbedded(server);
};
