import { type Duration, isDuration, type Schema } from "@oppulence/worker-core";
import { z } from "zod";
import type { AnySchedule } from "./definition.ts";

/** What {@link cron} takes. */
export interface CronOptions {
  /** The schedules of the code: the registry. */
  readonly schedules?: readonly AnySchedule[];
  /**
   * Of the registry: the higher one wins, whatever was deployed last. Without it the one that was first seen
   * last wins.
   * @defaultValue `0`
   */
  readonly version?: number;
  /** Slots that are older than this when a process comes to them have misfired. @defaultValue `"30s"` */
  readonly misfireAfter?: Duration;
  /** How often a process looks for schedules that others changed. @defaultValue `"1s"` */
  readonly pollInterval?: Duration;
  /** Most schedules that fire in one transaction; more at one instant are enqueued ahead. @defaultValue `500` */
  readonly batchSize?: number;
  /** How often a process looks for drift. @defaultValue `"15s"` */
  readonly driftInterval?: Duration;
  /** A deployed registry that no process has shown for so long gives way to another. @defaultValue `"1m"` */
  readonly takeoverAfter?: Duration;
  /** How long the ledger keeps a slot. @defaultValue `"30d"` */
  readonly retention?: Duration;
  /** How long one `buildPayload` may take. @defaultValue `"5s"` */
  readonly buildTimeout?: Duration;
}

const duration = z.custom<Duration>(
  isDuration,
  'expected a duration: a number of milliseconds, or a string such as "30s"',
);
const callable = <F>(what: string) =>
  z.custom<F>((value) => typeof value === "function", `expected ${what}, set in code`);
const instant = z.union([
  z.date(),
  z
    .string()
    .refine((text) => /[+-]\d{2}:?\d{2}$|Z$/i.test(text) && !Number.isNaN(Date.parse(text)), {
      message: "expected an instant with its zone, such as 2026-03-01T10:00:00Z",
    }),
]);
const DATE = /^(?:\d{4}-)?(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;

/** {@link ScheduleRules}, by shape; expressions, zones and what contradicts itself are checked after. */
const scheduleRules = {
  cron: z.string(),
  timezone: z.string().default("UTC"),
  enabled: z.boolean().default(true),
  description: z.string().max(500).optional(),
  misfire: z.enum(["once", "all", "skip"]).default("once"),
  catchUp: z
    .strictObject({
      window: duration.default("1d"),
      cap: z.int().min(1).max(1_000).default(100),
    })
    .prefault({}),
  overlap: z.enum(["allow", "skip", "bufferOne", "cancelRunning"]).default("allow"),
  startAt: instant.optional(),
  endAt: instant.optional(),
  maxRuns: z.int().min(1).max(1_000_000_000).optional(),
  jitter: duration.optional(),
  pauseAfterFailures: z.int().min(1).max(1_000_000).optional(),
  calendar: z
    .strictObject({
      exclude: z
        .array(z.string().regex(DATE, 'expected a date: "2026-12-25", or "12-25" for each year'))
        .max(1_000)
        .readonly()
        .optional(),
      businessDays: z.boolean().optional(),
      onExcluded: z.enum(["skip", "next"]).optional(),
    })
    .optional(),
  queueName: z.string().min(1).max(128).optional(),
  priority: z.int().min(-32_768).max(32_767).optional(),
  maxAttempts: z.int().min(1).max(32_767).optional(),
  labels: z.record(z.string(), z.string()).optional(),
};

const isSchema = (value: unknown): boolean =>
  (typeof value === "object" || typeof value === "function") &&
  value !== null &&
  "~standard" in value;
const task = z.custom<NonNullable<AnySchedule["task"]>>(
  (value) => typeof value === "string" || (typeof value === "object" && value !== null),
  "expected a task, or its identifier",
);

const KEY = /^[A-Za-z0-9][\w.:/-]{0,99}$/;
/** The name of a schedule. */
const scheduleKey = z
  .string()
  .regex(KEY, "expected 1 to 100 letters, digits and _ . : / -, a letter or digit first");

const definition = z.strictObject({
  key: scheduleKey,
  ...scheduleRules,
  payloadSchema: z.custom<Schema<any, any>>(isSchema, "expected a Standard Schema").optional(),
  payload: z.unknown().optional(),
  buildPayload: callable<NonNullable<AnySchedule["buildPayload"]>>("a function (slot)").optional(),
  handler: callable<NonNullable<AnySchedule["handler"]>>(
    "a function (payload, context)",
  ).optional(),
  onSuccess: callable<NonNullable<AnySchedule["onSuccess"]>>(
    "a function (result, context)",
  ).optional(),
  timeout: duration.optional(),
  task: task.optional(),
  taskOptions: z.custom<object>((value) => typeof value === "object").optional(),
});

/** Checks and completes what `schedules.create` is given. */
export const scheduleInput = z.strictObject({
  key: scheduleKey,
  ...scheduleRules,
  task,
  payload: z.unknown().optional(),
});

/** Checks and completes {@link CronOptions}, whose schedules are by key here, as the overlay names them. */
export const cronOptions = z.strictObject({
  schedules: z.record(z.string(), definition).default({}),
  version: z.int().min(0).default(0),
  misfireAfter: duration.default("30s"),
  pollInterval: duration.default("1s"),
  batchSize: z.int().min(1).max(10_000).default(500),
  driftInterval: duration.default("15s"),
  takeoverAfter: duration.default("1m"),
  retention: duration.default("30d"),
  buildTimeout: duration.default("5s"),
});

/** {@link CronOptions}, checked and complete. */
export type ResolvedCronOptions = z.output<typeof cronOptions>;
/** A schedule of the code, checked by shape and complete. */
export type ResolvedDefinition = z.output<typeof definition>;
/** A schedule's rules, checked by shape and complete. */
export type ResolvedRules = Omit<z.output<typeof scheduleInput>, "key" | "task" | "payload">;
