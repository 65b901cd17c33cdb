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
  pendingMigrations,
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
  const ours = { pool, schema, engineSchema, sets, logger, onProgress };
  if (mode === "off") return migrate({ ...ours, mode });
  if (mode === "verify") return verifyAll(ours, engineSchema);
  // Ours first: it says in one sentence which right is missing.
  const report = await migrate({ ...ours, mode });
  const engine = await engineStatus(pool, engineSchema);
  if (engine.pending.length > 0)
    await runMigrations({ pgPool: pool, schema: engineSchema, logger });
  return {
    ...report,
    applied: [...engine.pending, ...report.applied],
    alreadyApplied: engine.applied + report.alreadyApplied,
  };
}

async function verifyAll(
  ours: Pick<MigrateAllInput, "pool" | "schema"> & { readonly sets: readonly MigrationSet[] },
  engineSchema: string,
): Promise<MigrationReport> {
  const own = await pendingMigrations(ours);
  const engine = await engineStatus(ours.pool, engineSchema);
  const pending = [...engine.pending, ...own.pending];
  if (pending.length > 0) throw new MigrationsPendingError(pending, escapeSchema(ours.schema));
  return {
    mode: "verify",
    applied: [],
    alreadyApplied: engine.applied + own.applied,
    ahead: own.ahead,
  };
}

interface EngineStatus {
  readonly applied: number;
  /** They have numbers, but no names. */
  readonly pending: readonly MigrationRef[];
}

/** Which of graphile-worker's migrations the database has, and which it lacks. */
async function engineStatus(pool: pg.Pool, engineSchema: string): Promise<EngineStatus> {
  const table = `${escapeSchema(engineSchema)}.migrations`;
  let newestApplied = 0;
  try {
    const { rows } = await pool.query<{ id: number | null }>(`select max(id) as id from ${table}`);
    newestApplied = rows[0]?.id ?? 0;
  } catch (error) {
    if (!isUndefinedTable(error)) throw error;
  }
  const missing = Math.max(0, newestEngineMigration() - newestApplied);
  const pending = Array.from({ length: missing }, (_, index) => ({
    plugin: "graphile-worker",
    id: newestApplied + index + 1,
    name: "engine",
  }));
  return { applied: newestApplied, pending };
}
