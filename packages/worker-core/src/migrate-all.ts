import { type Logger, runMigrations } from "graphile-worker";
import type pg from "pg";
import type { Composition } from "./compose/compose.ts";
import { loadMigrations, type MigrationSet, type MigrationSource } from "./migrations/load.ts";
import {
  type MigrateOptions,
  type MigrationMode,
  type MigrationReport,
  migrate,
} from "./migrations/migrate.ts";

/** The core's own migrations, recorded under the name `core`. */
const CORE: MigrationSource = { directory: new URL("../sql/", import.meta.url) };

/** Whose migrations, and where to. */
export interface MigrateAllInput {
  readonly composition: Composition;
  readonly pool: pg.Pool;
  readonly schema: string;
  readonly engineSchema: string;
  readonly logger: Logger;
}

/** Every migration of the core and the installed plugins; also of those that the overlay has switched off. */
export function allMigrations({ installed }: Composition): Promise<MigrationSet[]> {
  const shipping = installed.flatMap(({ plugin }) =>
    plugin.migrations === undefined
      ? []
      : [{ name: plugin.name as string, source: plugin.migrations }],
  );
  return Promise.all([
    loadMigrations("core", CORE),
    ...shipping.map(({ name, source }) => loadMigrations(name, source)),
  ]);
}

/** Applies (or checks) the migrations of the core and the plugins, and, in mode `auto`, of graphile-worker. */
export async function migrateAll(
  { composition, pool, schema, engineSchema, logger }: MigrateAllInput,
  mode: MigrationMode,
  onProgress: MigrateOptions["onProgress"],
): Promise<MigrationReport> {
  const sets = await allMigrations(composition);
  // Ours first: it says in one sentence which right is missing.
  const report = await migrate({ pool, schema, engineSchema, sets, mode, logger, onProgress });
  if (mode === "auto") await runMigrations({ pgPool: pool, schema: engineSchema, logger });
  return report;
}
