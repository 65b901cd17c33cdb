import { testDatabase, usePostgres } from "@oppulence/worker-testing/vitest";
import { Logger } from "graphile-worker";
import type { Pool } from "pg";
import { createClient } from "../../src/index.ts";

/**
 * A database for the test: with the newest graphile-worker's tables in it, or an empty one where the test
 * runs on an older graphile-worker, which is to make its own.
 */
export function engineDatabase(): ReturnType<typeof testDatabase> {
  return testDatabase(
    process.env.OPPULENCE_TEST_ENGINE === undefined ? {} : { template: "template1" },
  );
}

/** A database for the test with the tables of graphile-worker, of the version it runs on, and of the core. */
export async function migratedDatabase(): ReturnType<typeof testDatabase> {
  const name = `worker-core-test-${process.env.OPPULENCE_TEST_ENGINE ?? "newest"}`;
  const migrate = async ({ pool }: { pool: () => Pool }) => {
    const logger = new Logger(() => () => {});
    await createClient({ pool: pool(), config: false, logger }).migrate("auto");
  };
  return testDatabase({ template: await usePostgres().template(name, migrate, { key: name }) });
}
