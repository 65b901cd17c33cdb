import pg from "pg";
import { loadMigrations } from "../../src/migrations/load.ts";
import { migrate } from "../../src/migrations/migrate.ts";

/** Migrates the database `argv[2]` with the files in `argv[3]`; sends the number of those it applied. */
const [, , url = "", directory = ""] = process.argv;
const pool = new pg.Pool({ connectionString: url });
const sets = [await loadMigrations("demo", { directory: new URL(directory) })];
const { applied } = await migrate({ pool, sets, mode: "auto" });
process.send?.(applied.length);
await pool.end();
process.disconnect?.();
