import { Logger } from "graphile-worker";
import { isDeferSignal } from "./signal.ts";

/** Writes that the engine gave up, as it logs them. */
export interface LostWrites {
  /** Jobs that finished. */
  readonly completed: readonly { readonly id: string }[];
  /** Jobs that failed. */
  readonly failed: readonly {
    readonly job: { readonly id: string };
    readonly message: string;
    readonly replacementPayload?: unknown;
  }[];
}

const METHODS = { error: "error", warning: "warn", info: "info", debug: "debug" } as const;

interface EngineMeta {
  failure?: true;
  error?: unknown;
  fatalError?: unknown;
  jobs?: LostWrites["completed"];
  job?: { readonly id: string };
  specs?: LostWrites["failed"];
}

/**
 * The logger handed to the engine: the user's, without deferrals (which the engine takes for failures).
 *
 * A batch of completions or failures that the engine could not write, and does not write again, is named
 * nowhere but in its log entry's metadata; from there it is picked up.
 */
export function engineLogger(target: Logger, onLostWrites: (lost: LostWrites) => void): Logger {
  return new Logger((scope) => {
    let scoped: Logger | undefined;
    return (level, message, meta) => {
      const { failure, error, fatalError, job, jobs, specs } = (meta ?? {}) as EngineMeta;
      if (failure === true && isDeferSignal(error)) return;
      // The task of a job that a stop gave back ended after all; its pool is gone, and so is its claim.
      if (fatalError !== undefined && job?.id === "-1") return;
      if (fatalError !== undefined) onLostWrites({ completed: jobs ?? [], failed: specs ?? [] });
      scoped ??= target.scope(scope);
      scoped[METHODS[level]](message, meta);
    };
  });
}
