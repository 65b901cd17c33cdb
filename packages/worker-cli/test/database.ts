import { testDatabase, usePostgres } from "@oppulence/worker-testing/vitest";
import type { Pool } from "pg";
import { cli } from "./command-line.ts";

/** A migrated database for one test. */
export interface Database {
  readonly url: string;
  readonly pool: Pool;
}

/** Creates a database that is migrated as a user would, once for the run. */
export async function migrated(): Promise<Database> {
  const template = await usePostgres().template("worker-cli", async ({ url }) => {
    const { code, stderr } = await cli(["migrate"], {
      config: { connectionString: url, config: false },
    });
    if (code !== 0) throw new Error(`could not migrate: ${stderr}`);
  });
  const database = await testDatabase({ template });
  return { url: database.url, pool: database.pool() };
}
