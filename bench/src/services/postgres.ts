import { createClient } from "@oppulence/worker-core";
import { startPostgres } from "@oppulence/worker-testing";
import { silentLogger } from "../systems/silent-logger.ts";

/** Databases for measurements, each used once. */
export interface BenchPostgres {
  /** Its version, and the settings that matter. */
  readonly about: string;
  /** Makes a database with graphile-worker's and the core's tables, runs `body` and drops it. */
  withDatabase<T>(body: (url: string) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/**
 * What a small production server would set. Autovacuum alone is off: it would strike some measurements and
 * not others; each case calls `vacuum` itself where a server would have had the time to.
 */
const SETTINGS = {
  shared_buffers: "512MB",
  max_wal_size: "4GB",
  checkpoint_timeout: "30min",
  random_page_cost: "1.1",
  synchronous_commit: "on",
  autovacuum: "off",
};

/** Starts one server for all measurements, or takes the one at `DATABASE_URL`. */
export async function startBenchPostgres(): Promise<BenchPostgres> {
  const server = await startPostgres({ durable: true, settings: SETTINGS });
  try {
    const template = await server.template("bench", async ({ url }) => {
      const client = createClient({ connectionString: url, config: false, logger: silentLogger });
      await client.migrate();
      await client.stop();
    });
    const probe = await server.createDatabase();
    const { rows } = await probe
      .pool()
      .query<{ name: string; setting: string }>(
        "select name, current_setting(name) as setting from pg_settings where name = any($1) order by name",
        [["server_version", "fsync", "synchronous_commit", "shared_buffers", "autovacuum"]],
      );
    await probe.drop();
    return {
      about: `PostgreSQL ${rows.map(({ name, setting }) => `${name}=${setting}`).join(" ")}`,
      async withDatabase(body) {
        const database = await server.createDatabase({ template });
        try {
          return await body(database.url);
        } finally {
          await database.drop();
        }
      },
      stop: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
