import { createClient } from "@oppulence/worker-core";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import { onTestFinished } from "vitest";
import { circuitBreaker } from "../src/index.ts";
import { postgresStore } from "../src/postgres-store.ts";
import { testStore } from "./store-suite.ts";

testStore("PostgreSQL", async () => {
  const database = await testDatabase();
  const client = createClient({ connectionString: database.url, plugins: [circuitBreaker()] });
  await client.migrate("auto");
  await client.stop();
  return {
    open() {
      const pool = database.pool();
      const store = postgresStore({
        query: async (text, values) => (await pool.query(text, values as unknown[])).rows,
        async transaction(body) {
          const connection = await pool.connect();
          try {
            await connection.query("begin");
            const value = await body(
              async (text, values) => (await connection.query(text, values as unknown[])).rows,
            );
            await connection.query("commit");
            return value;
          } catch (error) {
            await connection.query("rollback");
            throw error;
          } finally {
            connection.release();
          }
        },
        pool,
        logger: { info() {}, warn() {}, error() {}, debug() {}, scope: () => undefined } as never,
        schema: '"oppulence_worker"',
        retentionMs: 86_400_000,
        timeoutMs: 2_000,
      });
      onTestFinished(() => store.stop());
      return store;
    },
  };
});
