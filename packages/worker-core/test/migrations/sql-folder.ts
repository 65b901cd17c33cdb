import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { onTestFinished } from "vitest";
import {
  loadMigrations,
  type MigrationSet,
  type MigrationSource,
} from "../../src/migrations/load.ts";

/** Writes a plugin's SQL files into a folder that goes with the test. */
export async function sqlFolder(files: Readonly<Record<string, string>>): Promise<MigrationSource> {
  const folder = await mkdtemp(join(tmpdir(), "migrations-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return { directory: pathToFileURL(`${folder}/`) };
}

/** A plugin's migrations, read from files that go with the test. */
export async function migrationSet(
  plugin: string,
  files: Readonly<Record<string, string>>,
): Promise<MigrationSet> {
  return loadMigrations(plugin, await sqlFolder(files));
}
