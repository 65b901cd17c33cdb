import { createClient } from "@oppulence/worker-core";
import type { TestDatabases } from "../postgres/databases.ts";
import { isTestPostgresError } from "../postgres/errors.ts";
import { startPostgres } from "../postgres/start-postgres.ts";
import type { Prepare } from "../postgres/templates.ts";
import { captureLogger } from "./captured-logger.ts";

type Databases = Pick<TestDatabases, "createDatabase" | "template">;

let started: Promise<Databases> | undefined;

/**
 * Where databases come from when nobody says: the server of the vitest run, or else one that is started
 * for this process, which ends with it.
 */
export async function defaultDatabases(): Promise<Databases> {
  const shared = await databasesOfRun();
  if (shared !== undefined) return shared;
  started ??= startPostgres();
  return started;
}

async function databasesOfRun(): Promise<Databases | undefined> {
  if (process.env.VITEST === undefined) return undefined;
  const { usePostgres } = await import("../postgres/vitest-helpers.ts");
  try {
    return usePostgres();
  } catch (error) {
    // A vitest run without the global setup.
    if (isTestPostgresError(error, "NO_GLOBAL_SETUP")) return undefined;
    throw error;
  }
}

/** Fills a template with the tables of graphile-worker and of the core. */
const migrateCore: Prepare = async ({ pool }) => {
  const { logger } = captureLogger();
  await createClient({ pool: pool(), config: false, logger }).migrate("auto");
};

/** The template of databases with graphile-worker's and the core's tables; made once a run. */
export function coreTemplate(databases: Databases): Promise<string> {
  return databases.template("worker-core", migrateCore, { key: "worker-core" });
}
