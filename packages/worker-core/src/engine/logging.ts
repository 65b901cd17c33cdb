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
  const scopedLog = logOf(target);
  return new Logger((scope) => {
    const log = scopedLog(scope);
    return (level, message, meta) => {
      if (level === "error" && isOurBusiness(meta as EngineMeta | undefined, onLostWrites)) return;
      log(level, message, meta);
    };
  });
}

/** Whether an entry is not for the user's eyes. */
function isOurBusiness(
  meta: EngineMeta | undefined,
  onLostWrites: (lost: LostWrites) => void,
): boolean {
  const { failure, error, fatalError, job, jobs, specs } = meta ?? {};
  if (failure === true && isDeferSignal(error)) return true;
  if (fatalError === undefined) return false;
  // The task of a job that a stop gave back ended after all; its pool is gone, and so is its claim.
  if (job?.id === "-1") return true;
  onLostWrites({ completed: jobs ?? [], failed: specs ?? [] });
  return false;
}

type LogFactory = ConstructorParameters<typeof Logger>[0];

/**
 * How the target logs in a scope. The engine makes a scope for every job, so this goes to the target's own
 * factory where it can, and saves a second logger a job.
 */
function logOf(target: Logger): LogFactory {
  const { _logFactory: factory, _scope: base } = target as unknown as {
    readonly _logFactory?: LogFactory;
    readonly _scope?: object;
  };
  if (typeof factory === "function" && typeof base === "object") {
    return Object.keys(base).length === 0 ? factory : (scope) => factory({ ...base, ...scope });
  }
  return (scope) => {
    const scoped = target.scope(scope);
    return (level, message, meta) => scoped[METHODS[level]](message, meta);
  };
}
