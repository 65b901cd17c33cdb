import { readFileSync } from "node:fs";
import { createRequire, findPackageJSON } from "node:module";
import { pathToFileURL } from "node:url";

/** Jobs that a pool claims at once. */
const LOCAL_QUEUE = { localQueue: { size: 500 } };

/**
 * graphile-worker's options that are on by default with this plugin: its local queue, whose price was that a
 * crash locks its jobs for four hours.
 *
 * Not before graphile-worker 0.18, which runs several jobs of one named queue beside each other when they
 * come through the local queue (its issue 621).
 *
 * @param version - of graphile-worker; unknown counts as new
 */
export function engineDefaults(
  version: string | undefined = engineVersion(),
): GraphileConfig.WorkerOptions {
  return /^0\.(?:\d|1[0-7])\./.test(version ?? "") ? {} : LOCAL_QUEUE;
}

/** The version that the core uses: it is the core's peer, and need not be found from here. */
function engineVersion(): string | undefined {
  const core = createRequire(import.meta.url).resolve("@oppulence/worker-core");
  const file = findPackageJSON("graphile-worker", pathToFileURL(core));
  if (file === undefined) return undefined;
  return (JSON.parse(readFileSync(file, "utf8")) as { version?: string }).version;
}
