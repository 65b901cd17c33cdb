import { parseDuration, type TaskInfo } from "@oppulence/worker-core";
import type { ArchiveHook, DeadLetterHandler, DlqPolicy, DlqTaskOption } from "./options.ts";

/** A {@link DlqPolicy} with nothing left out. */
export interface Policy {
  readonly enabled: boolean;
  /** Infinity without a limit of its own. */
  readonly maxRetries: number;
  /** Undefined: for ever. */
  readonly ttlMs: number | undefined;
  readonly cap: number | undefined;
  readonly archive: ArchiveHook | undefined;
  readonly redact: readonly string[];
  readonly handlers: readonly DeadLetterHandler[];
}

/** Which policy each task has. */
export interface Policies {
  /** Of a task that has none of its own, known here or not. */
  readonly fallback: Policy;
  /** @param task - its identifier */
  of(task: string): Policy;
  /** Whether a task's failed jobs are moved at all. */
  moves(task: string): boolean;
}

/**
 * Reads the policies: a task's own fields come over the plugin's, one by one.
 *
 * @param defaults - the plugin's options
 * @param tasks - every task; read when it is first asked for, as it is complete only at start
 * @param unknownTasks - whether jobs of other tasks are moved
 */
export function createPolicies(
  defaults: DlqPolicy,
  tasks: ReadonlyMap<string, TaskInfo>,
  unknownTasks: boolean,
): Policies {
  const fallback = resolve(defaults, "plugin dlq");
  const resolved = new Map<string, Policy>();

  function of(task: string): Policy {
    const known = resolved.get(task);
    if (known !== undefined) return known;
    const own = tasks.get(task)?.options.dlq;
    if (own === undefined) return fallback;
    const policy = resolve(merge(defaults, own), `task ${JSON.stringify(task)}, dlq`);
    resolved.set(task, policy);
    return policy;
  }

  return {
    fallback,
    of,
    moves: (task) => (unknownTasks || tasks.has(task)) && of(task).enabled,
  };
}

function merge(defaults: DlqPolicy, own: DlqTaskOption): DlqPolicy {
  if (typeof own === "boolean") return { ...defaults, enabled: own };
  // A task that has a policy wants it applied, also where the default is off.
  return {
    ...defaults,
    enabled: true,
    ...own,
    retention: { ...defaults.retention, ...own.retention },
  };
}

function resolve(policy: DlqPolicy, where: string): Policy {
  const { enabled = true, maxRetries, retention, archive, redact = [], onDeadLetter } = policy;
  const ttl = retention?.ttl;
  return {
    enabled,
    maxRetries: maxRetries ?? Number.POSITIVE_INFINITY,
    ttlMs: ttl === undefined ? undefined : parseDuration(ttl, `${where}, retention.ttl`),
    cap: retention?.cap,
    archive,
    redact,
    handlers:
      onDeadLetter === undefined
        ? []
        : typeof onDeadLetter === "function"
          ? [onDeadLetter]
          : onDeadLetter,
  };
}
