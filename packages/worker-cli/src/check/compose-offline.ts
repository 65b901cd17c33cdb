import { type Composition, createClient, type WorkerOptions } from "@oppulence/worker-core";
import { type PrepareInput, toClientOptions } from "../worker-options.ts";

/** An address that no connection is ever opened to. */
const NOWHERE = "postgresql://offline.invalid/none";

/**
 * Puts plugins and tasks together without a database, and without one in the config.
 *
 * @throws ConfigurationError, InvalidOptionsError, InvalidOverlayError, as `createClient` does
 */
export function composeOffline(options: WorkerOptions, input: PrepareInput): Composition {
  const { pool, ...rest } = toClientOptions(options, input);
  return createClient({ ...rest, connectionString: NOWHERE }).composition;
}
