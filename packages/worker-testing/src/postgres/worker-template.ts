import { runMigrations } from "graphile-worker";
import type { Prepare } from "./templates.ts";

/** Fills a template with graphile-worker's tables. */
export const migrateWorker: Prepare = ({ pool }) => runMigrations({ pgPool: pool() });
