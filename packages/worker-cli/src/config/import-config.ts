import { pathToFileURL } from "node:url";
import { createJiti } from "jiti";
import { isLoaderRefusal } from "./loader-refusal.ts";
import { withoutLoaderWarnings } from "./loader-warnings.ts";

/** A module's exports. */
export type ModuleExports = Readonly<Record<string, unknown>>;

/** A loaded config file. */
export interface ImportedConfig {
  readonly exports: ModuleExports;
  /** Who loaded it. */
  readonly loader: "node" | "jiti";
}

/**
 * Imports a config file and with it the application's tasks.
 *
 * Node's own loader comes first: it strips types since 22.18, the application then is one set of modules
 * with the CLI's own, its files are what a debugger and instrumentation see, and nothing is transformed on
 * a path that runs in production. But it refuses TypeScript as many write it: imports without an extension
 * or of `./task.js` where `./task.ts` is meant, `paths` of tsconfig.json, enums, types imported without
 * `type`, ESM syntax in a package that says CommonJS. All of these it refuses while it links, before any
 * module has run, so the file can be given to jiti instead, which takes them all.
 *
 * @param file - absolute path
 * @throws what the file throws; jiti's error when both loaders refuse
 */
export async function importConfig(file: string): Promise<ImportedConfig> {
  try {
    const exports = await withoutLoaderWarnings(() => importNatively(file));
    return { exports, loader: "node" };
  } catch (error) {
    if (!isLoaderRefusal(error)) throw error;
    const jiti = createJiti(file, { tsconfigPaths: true, interopDefault: false, sourceMaps: true });
    return { exports: await jiti.import<ModuleExports>(file), loader: "jiti" };
  }
}

function importNatively(file: string): Promise<ModuleExports> {
  return import(/* @vite-ignore */ pathToFileURL(file).href);
}
