import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { messageOf } from "../errors.ts";
import { printValue } from "../print-value.ts";
import { InvalidMigrationError } from "./errors.ts";

/**
 * Where a plugin keeps its SQL files, named `NNNNNN_name.sql` and numbered from 000001 without gaps.
 *
 * In a file, `:SCHEMA` stands for our schema and `:ENGINE_SCHEMA` for graphile-worker's, both escaped.
 * A file that has shipped never changes: the runner compares checksums.
 */
export interface MigrationSource {
  /** `new URL("../sql/", import.meta.url)`, from a file directly in `src`; list `sql` in the package's `files`. */
  readonly directory: URL;
}

/** Names a migration. */
export interface MigrationRef {
  readonly plugin: string;
  /** The number in the file's name, from 1. */
  readonly id: number;
  /** The rest of it: `create_notes`. */
  readonly name: string;
}

/** A migration that a package ships. */
export interface Migration extends MigrationRef {
  /** `000001_create_notes.sql`. */
  readonly file: string;
  /** Its text, with placeholders. */
  readonly sql: string;
  /** SHA-256 of the text in hexadecimal, the same whatever the line endings. */
  readonly checksum: string;
}

/** A migration whose file is not what it was when it ran. */
export interface ChangedMigration extends MigrationRef {
  readonly file: string;
  /** Checksum when it ran. */
  readonly recorded: string;
  /** Checksum of the installed package's file. */
  readonly shipped: string;
}

/** All migrations of one plugin, in order. */
export interface MigrationSet {
  readonly plugin: string;
  readonly migrations: readonly Migration[];
}

const FILE_NAME = /^(\d{6})_([a-z0-9]+(?:_[a-z0-9]+)*)\.sql$/;

/**
 * Reads a plugin's SQL files. No database is touched.
 *
 * @param plugin - name under which they are recorded
 * @throws {@link InvalidMigrationError} for a folder that cannot be read or is empty, a file with a wrong
 * name, a gap or a repetition in the numbers, and a file that cannot run in a transaction
 */
export async function loadMigrations(
  plugin: string,
  source: MigrationSource,
): Promise<MigrationSet> {
  const files = await listFiles(plugin, source.directory);
  const migrations = await Promise.all(
    files.map((file) => loadFile(plugin, source.directory, file)),
  );
  checkNumbers(plugin, migrations);
  return { plugin, migrations };
}

async function listFiles(plugin: string, directory: URL): Promise<string[]> {
  if (typeof (directory as URL | undefined)?.href !== "string")
    throw new InvalidMigrationError(
      plugin,
      `migrations.directory got ${printValue(directory)}; it is a URL: new URL("../sql/", import.meta.url)`,
    );
  let entries: string[];
  try {
    entries = await readdir(directory);
  } catch (error) {
    throw new InvalidMigrationError(
      plugin,
      `cannot read ${directory.pathname}: ${messageOf(error)}`,
      { cause: error },
    );
  }
  const files = entries.filter((entry) => entry.endsWith(".sql")).sort();
  if (files.length > 0) return files;
  throw new InvalidMigrationError(
    plugin,
    `no .sql file in ${directory.pathname}; is sql in the package's \`files\`?`,
  );
}

async function loadFile(plugin: string, directory: URL, file: string): Promise<Migration> {
  const [, number, name] = FILE_NAME.exec(file) ?? [];
  if (number === undefined || name === undefined) {
    throw new InvalidMigrationError(
      plugin,
      `got the file ${file}; a name is six digits, _ and lower snake case, such as 000001_create_notes.sql`,
    );
  }
  const sql = normalise(await readFile(new URL(file, withSlash(directory)), "utf8"));
  checkTransaction(plugin, file, sql);
  return {
    plugin,
    id: Number(number),
    name,
    file,
    sql,
    checksum: createHash("sha256").update(sql).digest("hex"),
  };
}

/** Without the slash, a URL's last segment would be replaced instead of extended. */
function withSlash(directory: URL): URL {
  return directory.pathname.endsWith("/") ? directory : new URL(`${directory.href}/`);
}

/** git may check files out with other line endings, and editors may add a byte order mark. */
function normalise(text: string): string {
  return text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
}

function checkNumbers(plugin: string, migrations: readonly Migration[]): void {
  for (const [index, { id, file }] of migrations.entries()) {
    const expected = index + 1;
    if (id === expected) continue;
    const problem =
      id < expected
        ? `${file} has the number of ${migrations[index - 1]?.file}`
        : `${file} comes where number ${String(expected).padStart(6, "0")} is missing`;
    throw new InvalidMigrationError(
      plugin,
      `${problem}; files are numbered from 000001 without gaps`,
    );
  }
}

const NO_TRANSACTION = /^\s*--\s*no-transaction\b/i;
const TRANSACTION_CONTROL =
  /^[ \t]*(?:begin|start\s+transaction|commit|rollback|end)(?:\s+(?:work|transaction))?\s*;/im;
/** Bodies of functions and comments, where such words are harmless. */
const QUOTED = /\$(\w*)\$[\s\S]*?\$\1\$|\/\*[\s\S]*?\*\/|--.*$/gm;

/** All migrations run in one transaction, so that a failure leaves nothing half-done. */
function checkTransaction(plugin: string, file: string, sql: string): void {
  if (NO_TRANSACTION.test(sql)) {
    throw new InvalidMigrationError(
      plugin,
      `${file} asks for no-transaction, which is not supported: all migrations run in one transaction. Use \`create index\` without \`concurrently\``,
    );
  }
  const [control] = TRANSACTION_CONTROL.exec(sql.replace(QUOTED, "")) ?? [];
  if (control === undefined) return;
  throw new InvalidMigrationError(
    plugin,
    `${file} contains \`${control.trim()}\`: all migrations run in one transaction, which the runner begins and commits`,
  );
}
