import { type Duration, parseDuration, type TaskInfo } from "@oppulence/worker-core";
import type { ResolvedBackoff } from "./backoff.ts";
import type { Backoff, BackoffFunction, ErrorMatch, RetryTaskOptions } from "./options.ts";

/** What holds for the jobs of one task: its own option over the plugin's, durations in milliseconds. */
export interface Policy {
  readonly maxAttempts: number | undefined;
  readonly backoff: ResolvedBackoff | BackoffFunction;
  readonly retryOn: ErrorMatch | undefined;
  readonly giveUpOn: ErrorMatch | undefined;
  readonly httpRetryAfter: boolean;
  readonly timeoutMs: number | undefined;
  readonly expireAfterMs: number | undefined;
}

/** What holds when nothing else is said, or a back-off function fails. */
export const DEFAULT_BACKOFF: Extract<ResolvedBackoff, { type: "exponential" }> = {
  type: "exponential",
  baseMs: 1_000,
  factor: 2,
  capMs: 3_600_000,
  jitter: "equal",
};

/** A task's option over the plugin's, key by key. */
export function resolvePolicy(defaults: RetryTaskOptions, own: RetryTaskOptions = {}): Policy {
  const pick = <K extends keyof RetryTaskOptions>(key: K): RetryTaskOptions[K] =>
    own[key] ?? defaults[key];
  return {
    maxAttempts: pick("maxAttempts"),
    backoff: resolveBackoff(pick("backoff")),
    retryOn: pick("retryOn"),
    giveUpOn: pick("giveUpOn"),
    httpRetryAfter: pick("httpRetryAfter") ?? false,
    timeoutMs: toMs(pick("timeout")),
    expireAfterMs: toMs(pick("expireAfter")),
  };
}

function toMs(duration: Duration | false | undefined): number | undefined {
  return duration === undefined || duration === false
    ? undefined
    : parseDuration(duration, "retry");
}

function resolveBackoff(backoff: Backoff | undefined): ResolvedBackoff | BackoffFunction {
  if (backoff === undefined) return DEFAULT_BACKOFF;
  if (typeof backoff === "function") return backoff;
  const ms = (duration: Duration) => parseDuration(duration, "backoff");
  if (!("type" in backoff)) return { type: "list", delaysMs: backoff.map(ms) };
  if (backoff.type === "fixed")
    return { type: "fixed", delayMs: ms(backoff.delay), jitter: backoff.jitter ?? "none" };
  const { base, factor, cap, jitter } = backoff;
  return {
    type: "exponential",
    baseMs: base === undefined ? DEFAULT_BACKOFF.baseMs : ms(base),
    factor: factor ?? DEFAULT_BACKOFF.factor,
    capMs: cap === undefined ? DEFAULT_BACKOFF.capMs : ms(cap),
    jitter: jitter ?? DEFAULT_BACKOFF.jitter,
  };
}

/** The policies of tasks, each put together once. */
export class Policies {
  readonly #defaults: RetryTaskOptions;
  readonly #byTask = new Map<string, Policy>();

  /** @param defaults - the plugin's own options */
  constructor(defaults: RetryTaskOptions) {
    this.#defaults = defaults;
  }

  /** The policy of a task; a task that is not known has the plugin's. */
  of(task: Pick<TaskInfo, "identifier" | "options"> | undefined): Policy {
    const identifier = task?.identifier ?? "";
    let policy = this.#byTask.get(identifier);
    if (policy === undefined) {
      policy = resolvePolicy(this.#defaults, task?.options.retry);
      this.#byTask.set(identifier, policy);
    }
    return policy;
  }
}
