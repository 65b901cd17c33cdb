import { relative } from "node:path";
import type { WorkerOptions } from "@oppulence/worker-core";
import { ConfigFailedError, InvalidConfigError } from "../errors.ts";
import { describeFailure } from "./describe-failure.ts";
import { findConfig } from "./find-config.ts";
import { type ImportedConfig, importConfig, type ModuleExports } from "./import-config.ts";

/** A config and where it is from. */
export interface LoadedConfig {
  readonly options: WorkerOptions;
  /** Absolute path; undefined for options that were handed to `runCli`. */
  readonly file: string | undefined;
  /** The path as messages name it, relative to the working directory. */
  readonly label: string;
  readonly loader: ImportedConfig["loader"] | "caller";
}

/**
 * Finds and loads the config. Nothing of it is checked but that it is an object: that is for the core.
 *
 * @throws ConfigNotFoundError, ConfigFailedError, InvalidConfigError, UsageError
 */
export async function loadConfig(cwd: string, named: string | undefined): Promise<LoadedConfig> {
  const file = findConfig(cwd, named);
  const label = relative(cwd, file) || file;
  let imported: ImportedConfig;
  try {
    imported = await importConfig(file);
  } catch (error) {
    throw new ConfigFailedError(file, describeFailure(error, file, label, cwd), error);
  }
  return { options: optionsOf(imported.exports, label), file, label, loader: imported.loader };
}

const RIGHT = "export default defineConfig({ tasks, plugins })";

function optionsOf(exports: ModuleExports, label: string): WorkerOptions {
  const value = defaultOf(exports);
  if (value === undefined) {
    const names = Object.keys(exports).filter((name) => name !== "default");
    const got = names.length === 0 ? "it exports nothing" : `it exports ${names.join(", ")}`;
    throw new InvalidConfigError(`${label} has no default export, ${got}: write \`${RIGHT}\``);
  }
  const wrong = problemOf(value);
  if (wrong === undefined) return value as WorkerOptions;
  throw new InvalidConfigError(`the default export of ${label} is ${wrong}: write \`${RIGHT}\``);
}

/** CommonJS made from ESM keeps its default export one level down. */
function defaultOf({ default: value }: ModuleExports): unknown {
  const isWrapped =
    typeof value === "object" && value !== null && "__esModule" in value && "default" in value;
  return isWrapped ? value.default : value;
}

function problemOf(value: unknown): string | undefined {
  if (typeof value === "function")
    return `a function${value.name === "" ? "" : ` (${value.name})`}`;
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object" || value === null)
    return value === null ? "null" : `a ${typeof value}`;
  if ("then" in value) return "a promise; await it in the config";
  if ("addJob" in value && "start" in value) {
    return "a worker or client that was made already; the CLI makes it";
  }
  return undefined;
}
