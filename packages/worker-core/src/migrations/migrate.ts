import type { Query } from "../contract/query.ts";
import { printValue } from "../print-value.ts";
import { InvalidOptionsError } from "../validate.ts";
import { applyMigrations, type MigrationProgress } from "./apply.ts";
import { type Comparison, compareMigrations } from "./compare.ts";
import { type Connection, withClient } from "./connection.ts";
import { isInsufficientPrivilege, isUndefinedTable } from "./database-error.ts";
import {
  InvalidMigrationError,
  MigrationChangedError,
  MigrationsPendingError,
  printRef,
} from "./errors.ts";
import { type Recorded, readLedger, readRights } from "./ledger.ts";
import type { MigrationRef, MigrationSet } from "./load.ts";
import { missingRight } from "./rights.ts";
import { DEFAULT_ENGINE_SCHEMA, DEFAULT_SCHEMA, escapeSchema } from "./schema-name.ts";

/**
 * What happens to the database at start: `auto` applies what is missing, `verify` fails when something
 * is, `off` does not look.
 */
export type MigrationMode = "auto" | "verify" | "off";

const MODES: readonly MigrationMode[] = ["auto", "verify", "off"];

/** The logger's part that is used: graphile-worker's `Logger` fits. */
interface MigrationLogger {
  info(message: string): unknown;
  warn(message: string): unknown;
}

/** Which migrations, of which schemas, on which connection. */
export type MigrationTarget = Connection & {
  /** Our schema. @defaultValue `"oppulence_worker"` */
  readonly schema?: string;
  /** graphile-worker's schema, for `:ENGINE_SCHEMA`. @defaultValue `"graphile_worker"` */
  readonly engineSchema?: string;
  /** What packages ship, in the order in which it is to be applied: the core's first. */
  readonly sets: readonly MigrationSet[];
};

/** What {@link migrate} takes. */
export type MigrateOptions = MigrationTarget & {
  readonly mode: MigrationMode;
  readonly logger?: MigrationLogger;
  /** Called before each migration, for progress bars. What it throws is ignored. */
  readonly onProgress?: (progress: MigrationProgress) => void;
};

/** What {@link migrate} did. */
export interface MigrationReport {
  readonly mode: MigrationMode;
  /** Applied now, in order. */
  readonly applied: readonly MigrationRef[];
  /** Number of those that had been applied before. */
  readonly alreadyApplied: number;
  /** Recorded by a newer version of a package than the installed one. Not an error: versions roll out one by one. */
  readonly ahead: readonly MigrationRef[];
}

/**
 * Brings the database's schema up to what the installed packages need, or checks that it is.
 *
 * When nothing is missing this takes one round trip and no lock. Otherwise everything happens in one
 * transaction under an advisory lock: processes that start together take turns, and a failure or a kill
 * leaves nothing half-done.
 *
 * @throws MigrationsPendingError in mode `verify` when something is missing
 * @throws MigrationChangedError when a file was edited after it ran, before anything is applied
 * @throws MigrationFailedError when PostgreSQL refuses a migration
 * @throws MissingRightError when the role may not do it, with the statement that grants it
 * @throws DatabaseUnreachableError when there is no connection, or it is lost
 * @throws InvalidMigrationError when two sets have the same plugin's name
 * @throws InvalidOptionsError for a wrong mode or a schema name that cannot be used
 */
export async function migrate(options: MigrateOptions): Promise<MigrationReport> {
  const { mode, logger } = options;
  const target = resolve(options);
  assertMode(mode);
  if (mode === "off") return { mode, applied: [], alreadyApplied: 0, ahead: [] };
  return withClient(options, async (query) => {
    const found = await inspect(query, target);
    warnAhead(found.ahead, logger);
    if (found.pending.length === 0)
      return { mode, applied: [], alreadyApplied: found.applied, ahead: found.ahead };
    if (mode === "verify") throw new MigrationsPendingError(refs(found.pending), target.schema);
    const { applied, before } = await applyMigrations(query, {
      ...target,
      onProgress: options.onProgress,
    });
    for (const migration of applied) logger?.info(`applied migration ${printRef(migration)}`);
    return { mode, applied: refs(applied), alreadyApplied: before.applied, ahead: before.ahead };
  });
}

/** The state of the database's migrations. */
export interface MigrationStatus {
  /** Shipped and not applied yet, in order. */
  readonly pending: readonly MigrationRef[];
  /** Number of those that are applied. */
  readonly applied: number;
  /** Recorded by a newer version of a package than the installed one. */
  readonly ahead: readonly MigrationRef[];
}

/**
 * What {@link migrate} would do. Reads only, in one round trip.
 *
 * @throws MigrationChangedError, MissingRightError, DatabaseUnreachableError, as {@link migrate} does
 */
export async function pendingMigrations(target: MigrationTarget): Promise<MigrationStatus> {
  const resolved = resolve(target);
  return withClient(target, async (query) => {
    const { pending, applied, ahead } = await inspect(query, resolved);
    return { pending: refs(pending), applied, ahead };
  });
}

interface Resolved {
  /** Not escaped. */
  readonly name: string;
  readonly schema: string;
  readonly engineSchema: string;
  readonly sets: readonly MigrationSet[];
}

function resolve(target: MigrationTarget): Resolved {
  const name = target.schema ?? DEFAULT_SCHEMA;
  const schema = escapeSchema(name);
  const engineSchema = escapeSchema(target.engineSchema ?? DEFAULT_ENGINE_SCHEMA, "engineSchema");
  const plugins = new Set<string>();
  for (const { plugin } of target.sets) {
    if (plugins.has(plugin))
      throw new InvalidMigrationError(
        plugin,
        "two sets have this name; they would be recorded as one",
      );
    plugins.add(plugin);
  }
  return { name, schema, engineSchema, sets: target.sets };
}

function assertMode(mode: unknown): asserts mode is MigrationMode {
  if (MODES.includes(mode as MigrationMode)) return;
  const message = `got ${printValue(mode)}; it is "auto", "verify" or "off"`;
  throw new InvalidOptionsError("migrations", [{ path: "mode", message }]);
}

async function inspect(query: Query, target: Resolved): Promise<Comparison> {
  const comparison = compareMigrations(target.sets, await readRecorded(query, target));
  if (comparison.changed.length > 0) throw new MigrationChangedError(comparison.changed);
  return comparison;
}

async function readRecorded(
  query: Query,
  { name, schema }: Resolved,
): Promise<readonly Recorded[]> {
  try {
    return await readLedger(query, schema);
  } catch (error) {
    if (isUndefinedTable(error)) return [];
    if (!isInsufficientPrivilege(error)) throw error;
    throw missingRight(await readRights(query, name), schema, "read", error) ?? error;
  }
}

function warnAhead(ahead: readonly MigrationRef[], logger: MigrationLogger | undefined): void {
  if (ahead.length === 0) return;
  logger?.warn(
    `the database has migrations of newer packages than the installed ones: ${ahead.map(printRef).join(", ")}; is an upgrade under way?`,
  );
}

function refs(migrations: readonly MigrationRef[]): MigrationRef[] {
  return migrations.map(({ plugin, id, name }) => ({ plugin, id, name }));
}
