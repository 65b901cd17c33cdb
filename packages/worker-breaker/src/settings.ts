import { parseDuration } from "@oppulence/worker-core";
import type { DependencyOptions, FailureRate, IsFailure } from "./options.ts";

/** A threshold by rate, complete. */
export type RateThreshold = Required<FailureRate>;

/** {@link DependencyOptions}, complete and in milliseconds. */
export interface Settings {
  readonly enabled: boolean;
  readonly failures: { readonly count: number } | RateThreshold;
  readonly window: { readonly calls: number } | { readonly timeMs: number };
  readonly slowCallMs: number | undefined;
  readonly slow: RateThreshold | undefined;
  readonly reset: { readonly initialMs: number; readonly factor: number; readonly maxMs: number };
  readonly halfOpenRequests: number;
  readonly maxHalfOpenWaitMs: number;
  readonly isFailure: IsFailure | undefined;
  readonly maxUnderWay: number | undefined;
  readonly onError: "open" | "closed";
  /** Whether successes can change what happens: without it they are not even counted. */
  readonly countsSuccesses: boolean;
}

const DEFAULT_MINIMUM_CALLS = 10;
const DEFAULT_SLOW_RATE = 0.5;

/** Completes the options of a dependency. They have been checked. */
export function toSettings(options: DependencyOptions): Settings {
  const { failureThreshold = 5, window = { time: "60s" }, slowCallDuration } = options;
  const failures =
    typeof failureThreshold === "number"
      ? { count: failureThreshold }
      : withMinimum(failureThreshold);
  const slow =
    slowCallDuration === undefined
      ? undefined
      : withMinimum(options.slowCallRate ?? DEFAULT_SLOW_RATE);
  return {
    enabled: options.enabled ?? true,
    failures,
    window: "calls" in window ? window : { timeMs: parseDuration(window.time, "window.time") },
    slowCallMs:
      slowCallDuration === undefined
        ? undefined
        : parseDuration(slowCallDuration, "slowCallDuration"),
    slow,
    reset: resetOf(options.resetTimeout ?? "30s"),
    halfOpenRequests: options.halfOpenRequests ?? 1,
    maxHalfOpenWaitMs: parseDuration(options.maxHalfOpenWait ?? "30s", "maxHalfOpenWait"),
    isFailure: options.isFailure,
    maxUnderWay: options.maxUnderWay,
    onError: options.onError ?? "open",
    countsSuccesses: "rate" in failures || slow !== undefined || "calls" in window,
  };
}

function withMinimum(threshold: number | FailureRate): RateThreshold {
  return typeof threshold === "number"
    ? { rate: threshold, minimumCalls: DEFAULT_MINIMUM_CALLS }
    : { rate: threshold.rate, minimumCalls: threshold.minimumCalls ?? DEFAULT_MINIMUM_CALLS };
}

function resetOf(reset: NonNullable<DependencyOptions["resetTimeout"]>): Settings["reset"] {
  if (typeof reset !== "object") {
    const initialMs = parseDuration(reset, "resetTimeout");
    return { initialMs, factor: 1, maxMs: initialMs };
  }
  const initialMs = parseDuration(reset.initial, "resetTimeout.initial");
  const maxMs = parseDuration(reset.max ?? "10m", "resetTimeout.max");
  return { initialMs, factor: reset.factor ?? 2, maxMs: Math.max(initialMs, maxMs) };
}

/** How long the circuit stays open for the so manieth time in a row, from 1 on. */
export function resetTimeoutMs({ reset }: Settings, opening: number): number {
  return Math.min(reset.maxMs, reset.initialMs * reset.factor ** Math.max(0, opening - 1));
}

/** What contradicts itself in a dependency's options, one sentence each. */
export function problemsOfSettings(name: string, options: DependencyOptions): string[] {
  const { failures, window, slow, reset } = toSettings(options);
  const problems: string[] = [];
  const say = (problem: string) => problems.push(`dependency ${JSON.stringify(name)}: ${problem}`);
  if ("calls" in window) {
    if ("count" in failures && failures.count > window.calls)
      say(
        `failureThreshold is ${failures.count}, above the window of ${window.calls} calls: it never opens`,
      );
    for (const [what, threshold] of [
      ["failureThreshold", failures],
      ["slowCallRate", slow],
    ] as const)
      if (threshold !== undefined && "rate" in threshold && threshold.minimumCalls > window.calls)
        say(
          `${what}.minimumCalls is ${threshold.minimumCalls}, above the window of ${window.calls} calls: it never opens by it`,
        );
  }
  if (options.slowCallRate !== undefined && options.slowCallDuration === undefined)
    say("slowCallRate without slowCallDuration: no call is ever slow");
  const { resetTimeout } = options;
  if (
    typeof resetTimeout === "object" &&
    resetTimeout.max !== undefined &&
    reset.initialMs > parseDuration(resetTimeout.max, "")
  )
    say("resetTimeout.initial is above resetTimeout.max: every wait is the initial one");
  return problems;
}
