import { type Duration, formatDuration, isDuration, parseDuration } from "@oppulence/worker-core";
import { z } from "zod";
import type { StoreFactory } from "./store.ts";
import type { Transition } from "./transition.ts";

/** Opens at a share of failed calls: `rate` from 0 (without it) to 1. */
export interface FailureRate {
  readonly rate: number;
  /** The rate of fewer calls says nothing. 1 to 1,000,000. @defaultValue `10` */
  readonly minimumCalls?: number;
}

/** Over what failures are counted: the last so many calls, or the calls of the last so long. */
export type WindowOptions = { readonly calls: number } | { readonly time: Duration };

/** Waits longer each time it opens in a row: `initial × factor ^ (opening − 1)`, at most `max`. */
export interface ResetBackoff {
  readonly initial: Duration;
  /** 1 to 100. @defaultValue `2` */
  readonly factor?: number;
  /** @defaultValue `"10m"` */
  readonly max?: Duration;
}

/**
 * Whether a call failed by the dependency's fault. Business errors do not: then it says false.
 *
 * @param error - what the call threw; undefined when it returned
 * @param result - what it returned
 */
export type IsFailure = (error: unknown, result: unknown) => boolean;

/** What a dependency's breaker does. Durations that processes share are measured by the store's clock. */
export interface DependencyOptions {
  /** False lets every call pass, uncounted. @defaultValue `true` */
  readonly enabled?: boolean;
  /** Failures in the window that open the circuit, or their rate. @defaultValue `5` */
  readonly failureThreshold?: number | FailureRate;
  /** 1 to 1,000 calls, or 1 s to 1 d. @defaultValue `{ time: "60s" }` */
  readonly window?: WindowOptions;
  /** A call that succeeds but takes longer is slow. @defaultValue none is */
  readonly slowCallDuration?: Duration;
  /** The rate of slow calls that opens the circuit. @defaultValue `{ rate: 0.5, minimumCalls: 10 }` */
  readonly slowCallRate?: number | FailureRate;
  /** How long it stays open before it is probed. @defaultValue `"30s"` */
  readonly resetTimeout?: Duration | ResetBackoff;
  /** Probes that must all succeed to close it; never more at once, in all processes. @defaultValue `1` */
  readonly halfOpenRequests?: number;
  /** A probe that takes longer has failed; a crashed one's place is free after this and a second. @defaultValue `"30s"` */
  readonly maxHalfOpenWait?: Duration;
  /** What counts as a failure. Set in code. @defaultValue every error */
  readonly isFailure?: IsFailure;
  /** Most calls under way at once in a process; fewer as failures come near the threshold. @defaultValue any number */
  readonly maxUnderWay?: number;
  /** Whether calls go on where the store could not be asked even once. @defaultValue `"open"` */
  readonly onError?: "open" | "closed";
}

/** The task option `breaker`: a dependency of the plugin's options, or a breaker of the task's own. */
export type CircuitBreakerJob =
  | {
      /** Its name in `dependencies`. */
      readonly dependency: string;
      /** The job runs whatever the circuit's state is. @defaultValue `false` */
      readonly alwaysAttempt?: boolean;
    }
  | (DependencyOptions & {
      readonly dependency?: undefined;
      readonly alwaysAttempt?: boolean;
    });

/** How parked jobs come back once the circuit has closed. */
export interface RampOptions {
  /** Jobs of the first step; each step brings twice as many. 1 to 100,000. @defaultValue `10` */
  readonly first?: number;
  /** Between two steps. @defaultValue `"100ms"` */
  readonly every?: Duration;
}

/** Told of a transition in the process that made it, once it is stored. What it throws is logged and counted. */
export type TransitionListener = (transition: Transition) => void | Promise<void>;

/** What {@link circuitBreaker} takes. */
export interface CircuitBreakerOptions {
  /** By name; what a task's own breaker says is under the task identifier, and this lies over it. @defaultValue none */
  readonly dependencies?: Readonly<Record<string, DependencyOptions>>;
  /** For every dependency that does not say otherwise. @defaultValue `{}` */
  readonly defaults?: DependencyOptions;
  /** Where the state is. Set in code. @defaultValue PostgreSQL */
  readonly store?: StoreFactory;
  /** Set in code. @defaultValue none */
  readonly onTransition?: TransitionListener;
  /** Whether changes are pushed to this process, over a connection of its own. @defaultValue `true` */
  readonly listen?: boolean;
  /** How often state is read while nothing is heard, or a circuit is not closed. 10 ms to 1 m. @defaultValue `"1s"` */
  readonly pollInterval?: Duration;
  /** How long an answer of the store is waited for. 10 ms to 4 s. @defaultValue `"2s"` */
  readonly storeTimeout?: Duration;
  /** Whether waiting jobs are parked; if not, they are deferred one by one, as they are claimed. @defaultValue `true` */
  readonly park?: boolean;
  readonly ramp?: RampOptions;
  /** How long transitions are kept. @defaultValue `"30d"` */
  readonly historyRetention?: Duration;
}

const EXAMPLE = 'expected a duration: a number of milliseconds, or a string such as "30s"';
const duration = (least: Duration, most: Duration) =>
  z.custom<Duration>(isDuration, EXAMPLE).refine(
    (value) => {
      // The message above has said what is wrong with what is none.
      if (!isDuration(value)) return true;
      const ms = parseDuration(value, "");
      return ms >= parseDuration(least, "") && ms <= parseDuration(most, "");
    },
    `expected a duration from ${formatDuration(parseDuration(least, ""))} to ${formatDuration(parseDuration(most, ""))}`,
  );
const callable = <F>(what: string) =>
  z.custom<F>((value) => typeof value === "function", `expected ${what}, set in code`);
const rate = z.number().gt(0).max(1);
const rateWithMinimum = z.strictObject({
  rate,
  minimumCalls: z.int().min(1).max(1_000_000).optional(),
});

const dependency = {
  enabled: z.boolean().optional(),
  failureThreshold: z.union([z.int().min(1).max(1_000_000), rateWithMinimum]).optional(),
  window: z
    .union([
      z.strictObject({ calls: z.int().min(1).max(1_000) }),
      z.strictObject({ time: duration("1s", "1d") }),
    ])
    .optional(),
  slowCallDuration: duration(1, "1d").optional(),
  slowCallRate: z.union([rate, rateWithMinimum]).optional(),
  resetTimeout: z
    .union([
      duration(10, "30d"),
      z.strictObject({
        initial: duration(10, "30d"),
        factor: z.number().min(1).max(100).optional(),
        max: duration(10, "30d").optional(),
      }),
    ])
    .optional(),
  halfOpenRequests: z.int().min(1).max(1_000).optional(),
  maxHalfOpenWait: duration(10, "1d").optional(),
  isFailure: callable<IsFailure>("a function (error, result)").optional(),
  maxUnderWay: z.int().min(1).max(100_000).optional(),
  onError: z.enum(["open", "closed"]).optional(),
};

const dependencyOptions = z.strictObject(dependency);

/** Checks {@link CircuitBreakerJob}. */
export const circuitBreakerJob = z
  .strictObject({
    dependency: z.string().min(1).max(128).optional(),
    alwaysAttempt: z.boolean().optional(),
    ...dependency,
  })
  .superRefine((value, context) => {
    if (value.dependency === undefined) return;
    for (const key of Object.keys(dependency)) {
      if (value[key as keyof typeof dependency] === undefined) continue;
      const message = `a task that names a dependency has no breaker of its own; set it in the plugin's dependencies.${value.dependency}`;
      context.addIssue({ code: "custom", path: [key], message });
    }
  });

/** Checks and completes {@link CircuitBreakerOptions}. */
export const circuitBreakerOptions = z.strictObject({
  dependencies: z.record(z.string().min(1).max(128), dependencyOptions).default({}),
  defaults: dependencyOptions.default({}),
  store: callable<StoreFactory>("a store, such as redisStore(redis)").optional(),
  onTransition: callable<TransitionListener>("a function (transition)").optional(),
  listen: z.boolean().default(true),
  pollInterval: duration(10, "1m").default("1s"),
  storeTimeout: duration(10, "4s").default("2s"),
  park: z.boolean().default(true),
  ramp: z
    .strictObject({
      first: z.int().min(1).max(100_000).default(10),
      every: duration(1, "1m").default("100ms"),
    })
    .prefault({}),
  historyRetention: duration("1m", "3650d").default("30d"),
});

/** {@link CircuitBreakerOptions} with the plugin's own defaults. */
export type ResolvedCircuitBreakerOptions = z.output<typeof circuitBreakerOptions>;
