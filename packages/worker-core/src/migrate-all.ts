import { type Logger, runMigrations } from "graphile-worker";
import type pg from "pg";
import type { Composition } from "./compose/compose.ts";
import { CORE_PLUGIN, coreMigrations } from "./core-migrations.ts";
import { newestEngineMigration } from "./engine/version.ts";
import { isUndefinedTable } from "./migrations/database-error.ts";
import { MigrationsPendingError } from "./migrations/errors.ts";
import { loadMigrations, type MigrationRef, type MigrationSet } from "./migrations/load.ts";
import {
  type MigrateOptions,
  type MigrationMode,
  type MigrationReport,
  migrate,
} from "./migrations/migrate.ts";
import { escapeSchema } from "./migrations/schema-name.ts";

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
    loadMigrations(CORE_PLUGIN, coreMigrations),
    ...shipping.map(({ name, source }) => loadMigrations(name, source)),
  ]);
}

/**
 * Applies (mode `auto`) or checks (`verify`) the migrations of the core, the plugins and graphile-worker.
 *
 * @throws MigrationsPendingError in mode `verify`, naming what is missing; and what `migrate` throws
 */
export async function migrateAll(
  { composition, pool, schema, engineSchema, logger }: MigrateAllInput,
  mode: MigrationMode,
  onProgress: MigrateOptions["onProgress"],
): Promise<MigrationReport> {
  const sets = await allMigrations(composition);
  // Ours first: it says in one sentence which right is missing.
  const report = await migrate({ pool, schema, engineSchema, sets, mode, logger, onProgress });
  if (mode === "off") return report;
  const pending = await pendingInEngine(pool, engineSchema);
  if (pending.length === 0) return report;
  if (mode === "verify") throw new MigrationsPendingError(pending, escapeSchema(engineSchema));
  await runMigrations({ pgPool: pool, schema: engineSchema, logger });
  return { ...report, applied: [...pending, ...report.applied] };
}

/** graphile-worker's migrations that the database lacks; they have numbers, but no names. */
async function pendingInEngine(pool: pg.Pool, engineSchema: string): Promise<MigrationRef[]> {
  const table = `${escapeSchema(engineSchema)}.migrations`;
  const newest = newestEngineMigration();
  let applied = 0;
  try {
    const { rows } = await pool.query<{ id: number | null }>(`select max(id) as id from ${table}`);
    applied = rows[0]?.id ?? 0;
  } catch (error) {
    if (!isUndefinedTable(error)) throw error;
  }
  return Array.from({ length: Math.max(0, newest - applied) }, (_, index) => ({
    plugin: "graphile-worker",
    id: applied + index + 1,
    name: "engine",
  }));
}
