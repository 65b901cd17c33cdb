import { hasCode } from "../error-chain.ts";
import type { ChangedMigration, MigrationRef } from "./load.ts";

/** The command that applies what is pending. */
const MIGRATE_COMMAND = "npx oppulence-worker migrate";

/** A plugin's folder of SQL files is not as the runner needs it. The package is at fault, not the database. */
export class InvalidMigrationError extends Error {
  readonly code = "INVALID_MIGRATION";
  override readonly name = "InvalidMigrationError";
  readonly plugin: string;

  constructor(plugin: string, problem: string, options?: ErrorOptions) {
    super(`migrations of ${plugin}: ${problem}`, options);
    this.plugin = plugin;
  }
}

/** Whether an error is an {@link InvalidMigrationError}, of whichever copy of the package. */
export function isInvalidMigrationError(error: unknown): error is InvalidMigrationError {
  return hasCode(error, "INVALID_MIGRATION");
}

/** In mode `verify`: the database lacks migrations that the installed packages ship. */
export class MigrationsPendingError extends Error {
  readonly code = "MIGRATIONS_PENDING";
  override readonly name = "MigrationsPendingError";
  readonly pending: readonly MigrationRef[];

  constructor(pending: readonly MigrationRef[], schema: string) {
    const count = pending.length === 1 ? "1 migration is" : `${pending.length} migrations are`;
    super(
      `${count} pending in schema ${schema}: ${printRefs(pending)}. Run \`${MIGRATE_COMMAND}\`, then start again`,
    );
    this.pending = pending;
  }
}

/** graphile-worker's, which have no names, as one range. */
function printRefs(refs: readonly MigrationRef[]): string {
  const engine = refs.filter(({ plugin }) => plugin === "graphile-worker");
  const named = refs.filter(({ plugin }) => plugin !== "graphile-worker").map(printRef);
  const [first, last] = [engine[0]?.id, engine.at(-1)?.id];
  if (first === undefined) return named.join(", ");
  return [`${engine.length} of graphile-worker (${first} to ${last})`, ...named].join(", ");
}

/** Whether an error is a {@link MigrationsPendingError}, of whichever copy of the package. */
export function isMigrationsPendingError(error: unknown): error is MigrationsPendingError {
  return hasCode(error, "MIGRATIONS_PENDING");
}

/** A migration that ran has been edited since: the database is not what the installed package believes. */
export class MigrationChangedError extends Error {
  readonly code = "MIGRATION_CHANGED";
  override readonly name = "MigrationChangedError";
  readonly changed: readonly ChangedMigration[];

  constructor(changed: readonly ChangedMigration[]) {
    const each = changed.map(
      ({ plugin, file, recorded, shipped }) =>
        `${file} of ${plugin} (sha256 when it ran: ${recorded}, now: ${shipped})`,
    );
    super(
      `${changed.length === 1 ? "a migration was" : "migrations were"} edited after running: ${each.join(", ")}. Restore the file, and put the change into a new migration`,
    );
    this.changed = changed;
  }
}

/** Whether an error is a {@link MigrationChangedError}, of whichever copy of the package. */
export function isMigrationChangedError(error: unknown): error is MigrationChangedError {
  return hasCode(error, "MIGRATION_CHANGED");
}

/** PostgreSQL refused a migration. All were rolled back. */
export class MigrationFailedError extends Error {
  readonly code = "MIGRATION_FAILED";
  override readonly name = "MigrationFailedError";
  /** The migration that failed; undefined when it was the runner's own bookkeeping. */
  readonly migration: MigrationRef | undefined;

  constructor(migration: MigrationRef | undefined, problem: string, options?: ErrorOptions) {
    const what = migration === undefined ? "the migrations" : `migration ${printRef(migration)}`;
    super(`${what} failed: ${problem}. Nothing was applied`, options);
    this.migration = migration;
  }
}

/** Whether an error is a {@link MigrationFailedError}, of whichever copy of the package. */
export function isMigrationFailedError(error: unknown): error is MigrationFailedError {
  return hasCode(error, "MIGRATION_FAILED");
}

/** The database role may not do what the migrations need. */
export class MissingRightError extends Error {
  readonly code = "MISSING_RIGHT";
  override readonly name = "MissingRightError";
  /** `CREATE on database "app"`. */
  readonly right: string;
  /** The statement that fixes it, to be run by an owner. */
  readonly grant: string;

  constructor(role: string, right: string, grant: string, options?: ErrorOptions) {
    super(
      `role ${role} lacks the right ${right}. As an owner of the database, run: ${grant}`,
      options,
    );
    this.right = right;
    this.grant = grant;
  }
}

/** Whether an error is a {@link MissingRightError}, of whichever copy of the package. */
export function isMissingRightError(error: unknown): error is MissingRightError {
  return hasCode(error, "MISSING_RIGHT");
}

/** No connection to the database, or it was lost. */
export class DatabaseUnreachableError extends Error {
  readonly code = "DATABASE_UNREACHABLE";
  override readonly name = "DatabaseUnreachableError";
  /** `host:port/database`. */
  readonly address: string;

  constructor(address: string, problem: string, options?: ErrorOptions) {
    super(`cannot reach PostgreSQL at ${address}: ${problem}`, options);
    this.address = address;
  }
}

/** Whether an error is a {@link DatabaseUnreachableError}, of whichever copy of the package. */
export function isDatabaseUnreachableError(error: unknown): error is DatabaseUnreachableError {
  return hasCode(error, "DATABASE_UNREACHABLE");
}

/** `cron/000001_create_schedules`. */
export function printRef({ plugin, id, name }: MigrationRef): string {
  return `${plugin}/${String(id).padStart(6, "0")}_${name}`;
}
