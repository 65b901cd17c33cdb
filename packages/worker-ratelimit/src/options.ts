import {
  type Duration,
  formatDuration,
  isDuration,
  parseDuration,
  type RunInput,
} from "@oppulence/worker-core";
import { z } from "zod";
import { problemOfPart, problemsOfDefinition, problemsOfTenants } from "./contradictions.ts";
import { type Limits, problemOf } from "./limits.ts";
import type { StoreFactory } from "./store.ts";

/** What functions of a limiter are told of a job besides its payload. */
export type LimitedJob = Pick<RunInput, "job" | "labels" | "task">;

/** What happens to a job over the limit. */
export type OnLimit =
  /** It waits in line for its turn, at no cost in attempts. */
  | "defer"
  /** It completes without running. */
  | "drop"
  /** It fails for good. */
  | "fail";

/** What a limiter does, beside its limits. */
export interface LimiterBehavior {
  /**
   * Parts that are limited apart, by what it says of a job. Synchronous. What it throws, and anything but a string,
   * number, bigint or boolean, fails the job for good with the code `RATE_LIMIT_KEY`. Set in code.
   * @defaultValue one for all
   */
  readonly key?: (payload: any, job: LimitedJob) => string | number | bigint | boolean;
  /**
   * How much a job weighs against rates; a job takes one place of `maxConcurrent` whatever it weighs. Synchronous.
   * Anything but a whole number from 1 to the burst fails the job for good with the code `RATE_LIMIT_UNITS`. Set in
   * code.
   * @defaultValue 1
   */
  readonly units?: (payload: any, job: LimitedJob) => number;
  /** @defaultValue `"defer"` */
  readonly onLimit?: OnLimit;
  /**
   * A job whose turn would be later than this fails for good instead of waiting; with `onLimit: "defer"` only. A wait
   * for a place cannot be foreseen, and is not limited.
   * @defaultValue any time
   */
  readonly maxWait?: Duration;
  /** `"dryRun"` lets every job run, and counts what would have been held. @defaultValue `"enforce"` */
  readonly mode?: "enforce" | "dryRun";
  /** Whether jobs run or are deferred while the store does not answer. @defaultValue `"closed"`: deferred */
  readonly onError?: "open" | "closed";
}

/** A limiter: its limits, for every key or by key, and what happens beyond them. */
export interface LimiterDefinition extends Limits, LimiterBehavior {
  /**
   * Limits of a key, in place of the fixed ones; asked for every job. Synchronous. What is no limits defers the job. Set in code.
   */
  readonly limits?: (key: string) => Limits;
}

/** One limiter of a task: its name in the plugin's `limiters`, or a definition of the task's own. */
export type TaskLimiter = string | LimiterDefinition;

/** The value of the task option `rateLimit`. Of several limiters all have to let the job go. */
export type RateLimitedJob = TaskLimiter | readonly TaskLimiter[];

/** Quotas by tenant: a limiter called `tenants`, that tasks name in their `rateLimit`. */
export interface TenantsOptions extends Omit<LimiterBehavior, "key"> {
  /** Limits by the plan's name. */
  readonly plans: Readonly<Record<string, Limits>>;
  /** The plan of tenants that have no other. */
  readonly defaultPlan: string;
  /**
   * A tenant's plan; undefined for the default one. Asked for every job. Synchronous. Set in code.
   * @defaultValue none has another than `tenants` says
   */
  readonly planOf?: (tenant: string) => string | undefined;
  /** Tenants with a plan or limits of their own, which lie over the plan's. @defaultValue `{}` */
  readonly tenants?: Readonly<Record<string, Limits & { readonly plan?: string | undefined }>>;
  /** A job's tenant. Set in code. @defaultValue the label `tenant`, else the payload's `tenantId` */
  readonly key?: NonNullable<LimiterBehavior["key"]>;
  /** How many tenants have a label of their own in metrics; all others are `other`. 0 to 10,000. @defaultValue `100` */
  readonly maxLabels?: number;
}

/** What {@link rateLimit} takes. */
export interface RateLimitOptions {
  /** Limiters that tasks share, and callers outside jobs, by name. @defaultValue `{}` */
  readonly limiters?: Readonly<Record<string, LimiterDefinition>>;
  /** @defaultValue none */
  readonly tenants?: TenantsOptions;
  /** Where counts and lines are. Set in code. @defaultValue PostgreSQL */
  readonly store?: StoreFactory;
  /** How long places of a process that died stay taken. 1 s to 1 h. @defaultValue `"30s"` */
  readonly lease?: Duration;
  /** How long an answer of the store is waited for. 10 ms to 4 s. @defaultValue `"2s"` */
  readonly storeTimeout?: Duration;
  /** How often lines are looked after: a changed limit reaches who waits within this. 50 ms to 5 s. @defaultValue `"1s"` */
  readonly tendInterval?: Duration;
  /** How often limits set at run time are read beside what is pushed. 100 ms to 5 s. @defaultValue `"5s"` */
  readonly pollInterval?: Duration;
  /** Whether changes are pushed to this process, over a connection of its own. @defaultValue `true` */
  readonly listen?: boolean;
  /** How often counts of keys that nobody uses are deleted. 1 s to 1 d. @defaultValue `"1m"` */
  readonly sweepInterval?: Duration;
  /** How old sampled metrics may be; false: they are not sampled. @defaultValue `"15s"` */
  readonly sampleInterval?: Duration | false;
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

const limits = {
  maxConcurrent: z.int().min(1).max(1_000_000).optional(),
  maxPerSecond: z.number().gt(0).max(1_000_000).optional(),
  maxPerMinute: z.number().gt(0).max(60_000_000).optional(),
  limit: z.number().gt(0).max(1_000_000_000).optional(),
  period: duration(1, "366d").optional(),
  burstSize: z.int().min(1).max(1_000_000_000).optional(),
};

const behavior = {
  key: callable<NonNullable<LimiterBehavior["key"]>>("a function (payload, job)").optional(),
  units: callable<NonNullable<LimiterBehavior["units"]>>("a function (payload, job)").optional(),
  onLimit: z.enum(["defer", "drop", "fail"]).optional(),
  maxWait: duration(0, "366d").optional(),
  mode: z.enum(["enforce", "dryRun"]).optional(),
  onError: z.enum(["open", "closed"]).optional(),
};

/** Checks {@link Limits} that stand by themselves. */
export const limitsSchema = z.strictObject(limits).superRefine((value, context) => {
  const message = problemOf(value);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

/** Checks {@link Limits} that lie over others: any part of them, but something. */
export const partialLimitsSchema = z.strictObject(limits).superRefine((value, context) => {
  const message = problemOfPart(value);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

/** Checks {@link LimiterDefinition}. */
const limiterDefinition = z
  .strictObject({
    ...limits,
    ...behavior,
    limits: callable<(key: string) => Limits>("a function (key)").optional(),
  })
  .superRefine((value, context) => {
    for (const message of problemsOfDefinition(value))
      context.addIssue({ code: "custom", message });
  });

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it rejects
const NAME = /^[^#\u0000-\u001f\u007f]{1,128}$/;
/** The name of a limiter. What follows a `#` in a bucket's name is the rule's. */
const limiterName = z
  .string()
  .regex(NAME, "expected 1 to 128 characters without # and control characters");
const taskLimiter = z.union([limiterName, limiterDefinition]);

/** Checks {@link RateLimitedJob}. */
export const rateLimitedJob = z.union([
  limiterName,
  limiterDefinition,
  z.array(taskLimiter).min(1).max(16).readonly(),
]);

const tenantsOptions = z
  .strictObject({
    ...behavior,
    plans: z.record(z.string().min(1).max(128), limitsSchema),
    defaultPlan: z.string().min(1).max(128),
    planOf: callable<(tenant: string) => string | undefined>("a function (tenant)").optional(),
    tenants: z
      .record(z.string(), z.strictObject({ ...limits, plan: z.string().optional() }))
      .default({}),
    maxLabels: z.int().min(0).max(10_000).default(100),
  })
  .superRefine((value, context) => {
    for (const { path, message } of problemsOfTenants(value))
      context.addIssue({ code: "custom", path, message });
  });

/** Checks and completes {@link RateLimitOptions}. */
export const rateLimitOptions = z.strictObject({
  limiters: z.record(limiterName, limiterDefinition).default({}),
  tenants: tenantsOptions.optional(),
  store: callable<StoreFactory>("what makes a store, such as redisStore(redis)").optional(),
  lease: duration("1s", "1h").default("30s"),
  storeTimeout: duration(10, "4s").default("2s"),
  tendInterval: duration(50, "5s").default("1s"),
  pollInterval: duration(100, "5s").default("5s"),
  listen: z.boolean().default(true),
  sweepInterval: duration("1s", "1d").default("1m"),
  sampleInterval: z.union([z.literal(false), duration("1s", "1h")]).default("15s"),
});

/** {@link RateLimitOptions} with nothing left out but what is set in code. */
export type ResolvedRateLimitOptions = z.output<typeof rateLimitOptions>;
/** {@link TenantsOptions}, completed. */
export type ResolvedTenantsOptions = z.output<typeof tenantsOptions>;
