import type { Client } from "pg";
import { hostOf } from "./connection-url.ts";
import { namesLike, runOf } from "./database-names.ts";
import { TestPostgresError } from "./errors.ts";
import { removeDatabase } from "./remove-database.ts";

const MINIMUM_VERSION = 130_000;

/**
 * Checks that databases can be created on a server that is not ours.
 * @throws {@link TestPostgresError} `MISSING_PRIVILEGE` or, for a server older than 13, `UNREACHABLE`
 */
export const checkServer = async (server: Client, url: string): Promise<void> => {
  const { rows } = await server.query<{ role: string; may: boolean; version: number }>(`
    select
      rolname as role,
      rolcreatedb or rolsuper as may,
      current_setting('server_version_num')::int as version
    from pg_roles
    where rolname = current_user
  `);
  const [{ role, may, version } = { role: "?", may: false, version: 0 }] = rows;
  if (version < MINIMUM_VERSION) {
    throw new TestPostgresError(
      "UNREACHABLE",
      `the tests need PostgreSQL 13 or newer, ${hostOf(url)} runs ${version}`,
    );
  }
  if (may) return;
  throw new TestPostgresError(
    "MISSING_PRIVILEGE",
    `the role "${role}" lacks the right CREATEDB on ${hostOf(url)}: ` +
      `run \`alter role "${role}" createdb\`, or name another role in DATABASE_URL`,
  );
};

const dropAll = async (server: Client, names: readonly string[]): Promise<void> => {
  for (const name of names) {
    await server.query(`alter database ${name} is_template false`);
    await removeDatabase(server, name);
  }
};

const ownedDatabases = async (server: Client, like: string): Promise<string[]> => {
  const { rows } = await server.query<{ datname: string }>(
    `
      select datname
      from pg_database
      where datname like $1
      and datdba = (select oid from pg_roles where rolname = current_user)
    `,
    [like],
  );
  return rows.map((row) => row.datname);
};

/** What a run's presence calls itself, for the others to see. */
export const presenceName = (run: string): string => `oppulence-test-${run}`;

/** Drops every database of the run, templates included. */
export const dropRun = async (server: Client, run: string): Promise<void> =>
  dropAll(server, await ownedDatabases(server, namesLike(run)));

/** Drops the databases of runs that were killed: those without a presence on the server. */
export const dropStaleRuns = async (server: Client): Promise<void> => {
  const names = await ownedDatabases(server, namesLike());
  const { rows } = await server.query<{ application_name: string }>(
    "select distinct application_name from pg_stat_activity where application_name is not null",
  );
  const present = new Set(rows.map((row) => row.application_name));
  const stale = names.filter((name) => {
    const run = runOf(name);
    return run !== undefined && !present.has(presenceName(run));
  });
  // Another run may be doing the same; whoever comes second finds nothing left to alter.
  await dropAll(server, stale).catch(() => {});
};
