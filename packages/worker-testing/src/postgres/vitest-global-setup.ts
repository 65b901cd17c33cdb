import type { TestProject } from "vitest/node";
import type { StartPostgresOptions } from "./options.ts";
import { startPostgres, type TestPostgres } from "./start-postgres.ts";
import type { Prepare, TemplateOptions } from "./templates.ts";
import "./vitest-context.ts";
import { migrateWorker } from "./worker-template.ts";

/** Options of {@link postgresGlobalSetup}. */
export interface PostgresGlobalSetupOptions extends StartPostgresOptions, TemplateOptions {
  /**
   * Adds to the template that {@link testDatabase} clones; graphile-worker's tables are there already.
   * @defaultValue adds nothing
   */
  readonly prepare?: Prepare;
}

interface SharedServer {
  readonly started: Promise<TestPostgres>;
  users: number;
}

// One server for the run: vitest loads this module anew for each project with a global setup.
const slot = Symbol.for("@oppulence/worker-testing/vitest-server");
const shared = globalThis as { [slot]?: SharedServer };

const acquire = (options: StartPostgresOptions): Promise<TestPostgres> => {
  shared[slot] ??= { started: startPostgres(options), users: 0 };
  shared[slot].users += 1;
  return shared[slot].started;
};

const release = async (): Promise<void> => {
  const server = shared[slot];
  if (!server) return;
  server.users -= 1;
  if (server.users > 0) return;
  delete shared[slot];
  await server.started.then((postgres) => postgres.stop());
};

/**
 * Makes a `globalSetup` for vitest that starts one PostgreSQL for the run, prepares a template and
 * provides both to {@link usePostgres} and {@link testDatabase}.
 *
 * In a workspace, the projects share the server of the first one.
 *
 * @example
 * ```ts
 * // vitest-global-setup.ts, named in `test.globalSetup`
 * export const setup = postgresGlobalSetup({
 *   prepare: async ({ pool }) => pool().query("create table invoices (id int primary key)"),
 * });
 * ```
 */
export const postgresGlobalSetup =
  ({ prepare, key, ...options }: PostgresGlobalSetupOptions = {}) =>
  async (project: TestProject): Promise<() => Promise<void>> => {
    try {
      const postgres = await acquire(options);
      const fill: Prepare = async (database) => {
        await migrateWorker(database);
        await prepare?.(database);
      };
      const template = await postgres.template("vitest", fill, { key: key ?? String(prepare) });
      project.provide("postgres", { access: postgres.access, template });
    } catch (error) {
      await release().catch(() => {}); // what failed is worth more than what failed after it
      throw error;
    }
    return release;
  };
