import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** Versions of graphile-worker that the engine suite runs on, as in the package's peer range. */
export const ENGINE_RANGE = "^0.17.3 || ^0.18.0";

/** The version of graphile-worker that this copy of the core resolves to; undefined when it cannot be told. */
export function installedEngineVersion(): string | undefined {
  const file = findPackageJSON("graphile-worker", import.meta.url);
  if (file === undefined) return undefined;
  return (JSON.parse(readFileSync(file, "utf8")) as { version?: string }).version;
}

/**
 * Says what is wrong with a version of graphile-worker.
 *
 * @returns a sentence, or undefined when it is one that is supported
 */
export function engineVersionProblem(version: string | undefined): string | undefined {
  const [, minor, patch] = /^0\.(\d+)\.(\d+)/.exec(version ?? "") ?? [];
  if (minor === "18" || (minor === "17" && Number(patch) >= 3)) return undefined;
  return `graphile-worker ${version ?? "(version unknown)"} is installed; the core works on ${ENGINE_RANGE}: install graphile-worker@0.18`;
}
