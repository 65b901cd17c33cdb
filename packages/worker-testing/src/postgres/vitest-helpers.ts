import { inject, onTestFinished } from "vitest";
import { type CreateDatabaseOptions, connectPostgres, type TestDatabases } from "./databases.ts";
import { TestPostgresError } from "./errors.ts";
import type { TestDatabase } from "./test-database.ts";
import type { ProvidedPostgres } from "./vitest-context.ts";

let connected: TestDatabases | undefined;

const provided = (): ProvidedPostgres => {
  const postgres = inject("postgres");
  if (postgres) return postgres;
  throw new TestPostgresError(
    "NO_GLOBAL_SETUP",
    "no PostgreSQL was started for this run: add `@oppulence/worker-testing/vitest-global-setup` " +
      "to `test.globalSetup` in the vitest config",
  );
};

/**
 * The run's server, for templates and databases of one's own.
 *
 * Whoever creates a database drops it, for instance in `afterAll`; the end of the run drops the rest.
 *
 * @throws {@link TestPostgresError} `NO_GLOBAL_SETUP`
 */
export const usePostgres = (): TestDatabases => {
  connected ??= connectPostgres(provided().access);
  return connected;
};

/** Options of {@link testDatabase}. */
export interface TestDatabaseOptions extends CreateDatabaseOptions {
  /**
   * The context that vitest passes to the test; needed in tests that run concurrently.
   * @defaultValue the test that is running
   */
  readonly test?: { readonly onTestFinished: typeof onTestFinished };
}

/**
 * Creates a database for the running test and drops it after the test and its `afterEach` hooks.
 * Call it in a test or in `beforeEach`.
 *
 * @param options - by default the database is a clone of the global setup's template, with
 * graphile-worker's tables in it
 * @throws {@link TestPostgresError} `NO_GLOBAL_SETUP`
 *
 * @example
 * ```ts
 * it("adds a job", async () => {
 *   const database = await testDatabase();
 *   const pool = database.pool();
 *   await pool.query("select graphile_worker.add_job('send_email')");
 * });
 * ```
 */
export const testDatabase = async (options: TestDatabaseOptions = {}): Promise<TestDatabase> => {
  const { template = provided().template, test = { onTestFinished } } = options;
  let database: TestDatabase | undefined;
  // Registered before anything is awaited: later, another test may be the one that is running.
  test.onTestFinished(() => database?.drop());
  database = await usePostgres().createDatabase({ template });
  return database;
};
