import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ConfigNotFoundError, UsageError } from "../errors.ts";

/** Names that are looked for in each folder; the first that is there wins. */
const CONFIG_NAMES = [
  "worker.config.ts",
  "worker.config.mts",
  "worker.config.js",
  "worker.config.mjs",
] as const;

const LOADABLE = /\.[cm]?[jt]s$/;

/**
 * Finds the config file: the one named by `--config`, or the first `worker.config.*` in the folder and
 * those above it.
 *
 * @param cwd - where to begin, and what a relative `--config` is relative to
 * @param named - the value of `--config`
 * @returns its absolute path
 * @throws ConfigNotFoundError when there is none; UsageError for a file that is not TypeScript or JavaScript
 */
export function findConfig(cwd: string, named: string | undefined): string {
  if (named !== undefined) return checkNamed(resolve(cwd, named), named);
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = CONFIG_NAMES.map((name) => join(folder, name)).find(isFile);
    if (found !== undefined) return found;
    if (dirname(folder) === folder) break;
  }
  throw new ConfigNotFoundError(
    `no worker.config.ts (or ${CONFIG_NAMES.slice(1)
      .map((name) => name.replace("worker.config", ""))
      .join(", ")}) in ${cwd} or above it: write one, or name it with --config <file>`,
  );
}

function checkNamed(file: string, named: string): string {
  if (!isFile(file)) throw new ConfigNotFoundError(`--config ${named}: there is no such file`);
  if (LOADABLE.test(file)) return file;
  throw new UsageError(
    `--config ${named}: a config is a .ts, .mts, .js or .mjs file. (The YAML or JSON file that overrides options is named by OPPULENCE_WORKER_CONFIG.)`,
  );
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}
