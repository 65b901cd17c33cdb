import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import { withDatabase } from "./connection-url.ts";
import { databaseName } from "./database-names.ts";
import { guardedPool } from "./guarded-pool.ts";
import { removeDatabase } from "./remove-database.ts";
import { createTemplates, type Prepare, type TemplateOptions } from "./templates.ts";
import { type TestDatabase, testDatabaseHandle } from "./test-database.ts";

/** What another process needs to create databases on the same server; survives JSON. */
export interface PostgresAccess {
  /** A database of the server to send `create database` to, with the login. */
  readonly url: string;
  /** Marks the databases of one run, so that the run's end removes them all. */
  readonly run: string;
}

/** Which database to create. */
export interface CreateDatabaseOptions {
  /**
   * The name of the template to clone, as returned by {@link TestDatabases.template}.
   * @defaultValue PostgreSQL's own empty `template1`
   */
  readonly template?: string;
}

/** Creates databases on a server. Any number of processes may do so at the same time. */
export interface TestDatabases {
  readonly access: PostgresAccess;
  /** The URL of a database on the server; without a name, of the one for administration. */
  url(database?: string): string;
  /**
   * Prepares a template database, once for the run, whichever process comes first; the others wait.
   *
   * @param name - names the template; may be used again with another `prepare`
   * @param prepare - fills the database; must leave nothing connected but the pools it was given
   * @returns the name to pass to {@link TestDatabases.createDatabase}
   * @throws {@link TestPostgresError} `TEMPLATE_FAILED` with what `prepare` threw as its cause
   */
  template(name: string, prepare: Prepare, options?: TemplateOptions): Promise<string>;
  /** Creates a database, which takes some 15 ms from a template of graphile-worker's tables. */
  createDatabase(options?: CreateDatabaseOptions): Promise<TestDatabase>;
  /** Drops the databases created through this object and closes its connections. */
  close(): Promise<void>;
}

const OBJECT_IN_USE = "55006";
const RETRY_MS = 20;
const RETRY_FOR_MS = 15_000;

/** A connection that has just been closed may still be counted, and so may autovacuum. */
const whileInUse = async (run: () => Promise<unknown>): Promise<void> => {
  const deadline = Date.now() + RETRY_FOR_MS;
  for (;;) {
    try {
      await run();
      return;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== OBJECT_IN_USE || Date.now() > deadline) throw error;
      await delay(RETRY_MS);
    }
  }
};

/**
 * How to copy a template. Copying files takes two checkpoints: a third of the time of writing all
 * pages to the log without fsync, and half as long again with it.
 */
const cloneStrategy = async (admin: Pool): Promise<string> => {
  const { rows } = await admin.query<{ version: number; fsync: string }>(
    "select current_setting('server_version_num')::int as version, current_setting('fsync') as fsync",
  );
  if (!rows[0] || rows[0].version < 150_000) return "";
  return rows[0].fsync === "off" ? "strategy file_copy" : "strategy wal_log";
};

/** Creates databases on a server that runs already, typically one that another process started. */
export const connectPostgres = (access: PostgresAccess): TestDatabases => {
  const { pool: admin, close: closeAdmin } = guardedPool({
    connectionString: access.url,
    max: 4,
    idleTimeoutMillis: 1_000,
    allowExitOnIdle: true,
  });
  const url = (database?: string) =>
    database === undefined ? access.url : withDatabase(access.url, database);
  const open = new Set<TestDatabase>();
  let strategy: string | undefined;

  return {
    access,
    url,
    template: createTemplates(access),
    createDatabase: async ({ template = "template1" } = {}) => {
      strategy ??= await cloneStrategy(admin);
      const name = databaseName(access.run);
      const sql = `create database ${name} template ${template} ${strategy}`;
      await whileInUse(() => admin.query(sql));
      const database = testDatabaseHandle(name, url(name), async () => {
        await removeDatabase(admin, name);
        open.delete(database);
      });
      open.add(database);
      return database;
    },
    close: async () => {
      const drops = await Promise.allSettled([...open].map((database) => database.drop()));
      await closeAdmin();
      const failed = drops.find((drop) => drop.status === "rejected");
      if (failed) throw failed.reason;
    },
  };
};
