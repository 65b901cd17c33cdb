import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { ConfigurationError } from "../errors.ts";

/** Versions of graphile-worker that the engine suite runs on, as in the package's peer range. */
const ENGINE_RANGE = "^0.17.3 || ^0.18.0";

/** The version of graphile-worker that this copy of the core resolves to; undefined when it cannot be told. */
export function installedEngineVersion(): string | undefined {
  const file = findPackageJSON("graphile-worker", import.meta.url);
  if (file === undefined) return undefined;
  return (JSON.parse(readFileSync(file, "utf8")) as { version?: string }).version;
}

/** graphile-worker's newest migration, by its minor version. */
const NEWEST_MIGRATION: Readonly<Record<string, number>> = { "17": 19, "18": 20 };

/**
 * Refuses a version of graphile-worker that the engine suite does not run on.
 *
 * @throws ConfigurationError naming what is installed and what to install
 */
export function assertEngineVersion(version: string | undefined): void {
  const [, minor, patch] = /^0\.(\d+)\.(\d+)/.exec(version ?? "") ?? [];
  if (minor === "18" || (minor === "17" && Number(patch) >= 3)) return;
  throw new ConfigurationError([
    `graphile-worker ${version ?? "(version unknown)"} is installed; the core works on ${ENGINE_RANGE}: install graphile-worker@0.18`,
  ]);
}

/** The id of the newest migration that the installed graphile-worker needs. */
export function newestEngineMigration(version = installedEngineVersion()): number {
  const [, minor] = /^0\.(\d+)/.exec(version ?? "") ?? [];
  return NEWEST_MIGRATION[minor ?? ""] ?? 0;
}
