import type { Query } from "../contract/query.ts";
import { messageOf } from "../errors.ts";
import { type Comparison, compareMigrations } from "./compare.ts";
import { codeOf, isConnectionError, isInsufficientPrivilege } from "./database-error.ts";
import { isMigrationFailedError, MigrationChangedError, MigrationFailedError } from "./errors.ts";
import {
  beginExclusive,
  createLedger,
  createSchema,
  readLedger,
  readRights,
  record,
} from "./ledger.ts";
import type { Migration, MigrationRef, MigrationSet } from "./load.ts";
import { missingOwnership, missingRight } from "./rights.ts";
import { fillSchemas } from "./schema-name.ts";

/** How far a run of migrations is. */
export interface MigrationProgress extends MigrationRef {
  /** Number of migrations before this one in this run. */
  readonly done: number;
  readonly total: number;
}

/** What {@link applyMigrations} needs. */
export interface ApplyInput {
  /** Our schema's name, not escaped. */
  readonly name: string;
  /** The same, escaped. */
  readonly schema: string;
  /** graphile-worker's schema, escaped. */
  readonly engineSchema: string;
  readonly sets: readonly MigrationSet[];
  readonly onProgress?: ((progress: MigrationProgress) => void) | undefined;
}

/** What was applied, and what the database held before. */
export interface Applied {
  readonly applied: readonly Migration[];
  readonly before: Comparison;
}

/** Applies what is missing, all in one transaction that this begins and ends. */
export async function applyMigrations(query: Query, input: ApplyInput): Promise<Applied> {
  try {
    await beginExclusive(query, input.name);
    const result = await applyInTransaction(query, input);
    await query("commit");
    return result;
  } catch (error) {
    // The first error is the one to tell, also when the connection is gone and this fails too.
    await query("rollback").catch(() => {});
    throw await explain(query, input, error);
  }
}

async function applyInTransaction(query: Query, input: ApplyInput): Promise<Applied> {
  const before = await compareAgain(query, input);
  const total = before.pending.length;
  for (const [done, migration] of before.pending.entries()) {
    tell(input, { plugin: migration.plugin, id: migration.id, name: migration.name, done, total });
    await applyOne(query, input, migration);
  }
  return { applied: before.pending, before };
}

/** Compares again, now under the lock: another process may have applied everything while this one waited. */
async function compareAgain(query: Query, { name, schema, sets }: ApplyInput): Promise<Comparison> {
  const rights = await readRights(query, name);
  const recorded =
    rights.ledgerExists && rights.mayReadLedger ? await readLedger(query, schema) : [];
  const before = compareMigrations(sets, recorded);
  if (before.changed.length > 0) throw new MigrationChangedError(before.changed);
  if (before.pending.length === 0) return before;
  const missing = missingRight(rights, schema, "apply");
  if (missing !== undefined) throw missing;
  if (!rights.schemaExists) await createSchema(query, schema);
  if (!rights.ledgerExists) await createLedger(query, schema);
  return before;
}

async function applyOne(
  query: Query,
  { schema, engineSchema }: ApplyInput,
  migration: Migration,
): Promise<void> {
  const sql = fillSchemas(migration.sql, schema, engineSchema);
  try {
    await query(sql);
  } catch (error) {
    if (isConnectionError(error)) throw error;
    throw new MigrationFailedError(migration, `${describe(error)}${lineOf(error, sql)}`, {
      cause: error,
    });
  }
  await record(query, schema, migration);
}

function tell({ onProgress }: ApplyInput, progress: MigrationProgress): void {
  try {
    onProgress?.(progress);
  } catch {
    // A progress bar that fails must not undo the migrations.
  }
}

function describe(error: unknown): string {
  const code = codeOf(error);
  return code === undefined ? messageOf(error) : `${messageOf(error)} (${code})`;
}

/** PostgreSQL counts characters from 1. */
function lineOf(error: unknown, sql: string): string {
  const position = Number((error as { position?: unknown }).position);
  return Number.isInteger(position) && position > 0
    ? ` at line ${sql.slice(0, position - 1).split("\n").length}`
    : "";
}

/** A refusal for want of rights is told as such, with the statement that grants them. */
async function explain(
  query: Query,
  { name, schema }: ApplyInput,
  error: unknown,
): Promise<unknown> {
  const refused = isMigrationFailedError(error) ? error.cause : error;
  if (isInsufficientPrivilege(refused)) {
    const rights = await readRights(query, name);
    return (
      missingRight(rights, schema, "apply", error) ??
      missingOwnership(rights, schema, messageOf(refused), error)
    );
  }
  const isFromServer = /^[0-9A-Z]{5}$/.test(codeOf(error) ?? "") && !isConnectionError(error);
  return isFromServer
    ? new MigrationFailedError(undefined, describe(error), { cause: error })
    : error;
}
