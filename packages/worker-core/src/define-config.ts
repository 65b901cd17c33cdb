import type { AnyPlugin } from "./contract/plugin.ts";
import type { WorkerOptions } from "./options.ts";

/**
 * Types a `worker.config.ts`, which the CLI reads and `createWorker` takes.
 *
 * @example
 * export default defineConfig({ tasks: [sendEmail], plugins: [], worker: { concurrentJobs: 10 } });
 */
export function defineConfig<const P extends readonly AnyPlugin[] = readonly []>(
  options: WorkerOptions<P>,
): WorkerOptions<P> {
  return options;
}
