import {
  type AnyPlugin,
  createWorker,
  isConfigurationError,
  type WorkerOptions,
} from "../../src/index.ts";

/** Nobody answers there; nothing that is tested with it may connect. */
export const NOWHERE = "postgres://nobody@127.0.0.1:1/nothing";

/** Options of a worker that is made, never started. */
export type OfflineOptions = Omit<WorkerOptions, "plugins"> & {
  readonly plugins?: readonly AnyPlugin[];
};

/** What `createWorker` finds wrong, one sentence each; the message of any other error it throws. */
export function problemsOf(options: OfflineOptions): readonly string[] {
  try {
    createWorker({ connectionString: NOWHERE, config: false, ...options });
    return [];
  } catch (error) {
    return isConfigurationError(error) ? error.problems : [(error as Error).message];
  }
}
