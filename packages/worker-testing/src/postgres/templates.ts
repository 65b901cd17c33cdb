import type { Client } from "pg";
import { withDatabase } from "./connection-url.ts";
import { templateName } from "./database-names.ts";
import type { PostgresAccess } from "./databases.ts";
import { TestPostgresError } from "./errors.ts";
import { removeDatabase } from "./remove-database.ts";
import { type TestDatabase, testDatabaseHandle } from "./test-database.ts";
import { withClient } from "./with-client.ts";

/** Fills a template. Its pools are closed when it is done. */
export type Prepare = (database: Pick<TestDatabase, "name" | "url" | "pool">) => Promise<unknown>;

/** What tells two templates of the same name apart. */
export interface TemplateOptions {
  /**
   * Stands for the content, for a `prepare` that depends on more than its own source.
   * @defaultValue the source text of `prepare`
   */
  readonly key?: string;
}

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;

const prepareUnderLock = async (
  server: Client,
  database: string,
  url: string,
  prepare: Prepare,
): Promise<void> => {
  const found = await server.query<{ ready: boolean }>(
    `select datistemplate as ready from pg_database where datname = ${quote(database)}`,
  );
  if (found.rows[0]?.ready) return;
  await removeDatabase(server, database); // its maker was killed halfway
  await server.query(`create database ${database}`);
  const handle = testDatabaseHandle(database, url, async () => {});
  try {
    await prepare(handle);
    await handle.drop(); // closes the pools: only a database without connections can be cloned
    await server.query(`alter database ${database} is_template true allow_connections false`);
  } catch (error) {
    await handle.drop();
    await removeDatabase(server, database);
    throw error;
  }
};

/** Makes the function that prepares the templates of a run. */
export const createTemplates = (access: PostgresAccess) => {
  const known = new Map<string, Promise<string>>();

  // A connection of its own: the lock is held for as long as `prepare` takes.
  const make = (database: string, prepare: Prepare): Promise<void> =>
    withClient(access.url, async (server) => {
      await server.query(`select pg_advisory_lock(hashtextextended(${quote(database)}, 0))`);
      await prepareUnderLock(server, database, withDatabase(access.url, database), prepare);
    });

  const tryToMake = async (name: string, database: string, prepare: Prepare): Promise<string> => {
    try {
      await make(database, prepare);
      return database;
    } catch (cause) {
      throw new TestPostgresError(
        "TEMPLATE_FAILED",
        `the template "${name}" could not be prepared: ${(cause as Error).message}`,
        { cause },
      );
    }
  };

  return (name: string, prepare: Prepare, options: TemplateOptions = {}): Promise<string> => {
    const database = templateName(access.run, name, options.key ?? prepare.toString());
    const made = known.get(database) ?? tryToMake(name, database, prepare);
    known.set(database, made);
    made.catch(() => known.delete(database)); // the next caller may have more luck
    return made;
  };
};
