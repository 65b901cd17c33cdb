import type { WorkerOptions } from "@oppulence/worker-core";

/** What a worker module's factory is given. */
export interface WorkerModuleContext {
  /** `data` as it was given to `spawnWorker` or `killAt`. */
  readonly data: unknown;
}

/**
 * What a module that is run in a child process exports as `config` (or as its default): a function that
 * returns the worker's options. Where it connects to is set by the parent; it logs warnings and errors to
 * standard error, and ignores the environment's config overlay, unless the options say otherwise.
 *
 * @example
 * ```ts
 * // a-worker.ts
 * export const config: WorkerModule = () => ({ tasks: [sendEmail], plugins: [myPlugin()] });
 * ```
 */
export type WorkerModule = (context: WorkerModuleContext) => WorkerOptions | Promise<WorkerOptions>;
