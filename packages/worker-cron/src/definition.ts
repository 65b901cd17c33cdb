import type {
  AddJob,
  AddJobs,
  AnyTask,
  Duration,
  InputOf,
  Job,
  Labels,
  OutputOf,
  Query,
  RunTransaction,
  Schema,
  TaskContext,
  TaskOptions,
} from "@oppulence/worker-core";

/** What happens to slots that passed while no process was there. */
export type Misfire =
  /** One run for all of them, as the last of them. */
  | "once"
  /** One run each, the last ones first to be kept: see `catchUp`. */
  | "all"
  /** None. */
  | "skip";

/** What happens at a slot while the run of the one before still goes on, or waits. */
export type Overlap =
  /** Both run. */
  | "allow"
  /** The new one does not run. */
  | "skip"
  /** The new one waits for the one that runs; there is at most one that waits. */
  | "bufferOne"
  /** The one before is cancelled. Needs `@oppulence/worker-retry`. */
  | "cancelRunning";

/** Days on which a schedule does not fire, in its time zone. */
export interface Calendar {
  /** Dates: `"2026-12-25"`, or `"12-25"` for each year. */
  readonly exclude?: readonly string[];
  /** Monday to Friday alone. @defaultValue `false` */
  readonly businessDays?: boolean;
  /** Leave such a slot out, or move it to the same time of the next day that is allowed. @defaultValue `"skip"` */
  readonly onExcluded?: "skip" | "next";
}

/** How far `misfire: "all"` goes back. */
export interface CatchUp {
  /** Slots older than this are missed. @defaultValue `"1d"` */
  readonly window?: Duration;
  /** At most so many runs, the latest: 1 to 1,000. @defaultValue `100` */
  readonly cap?: number;
}

/** One instant of a schedule. */
export interface Slot {
  readonly key: string;
  readonly scheduledAt: Date;
  /** The slot before; undefined for the first. */
  readonly previous: Date | undefined;
}

/** What a handler is given beside its payload. */
export interface ScheduleContext extends Slot {
  /** Scoped to the job; its lines begin with key and correlation id. */
  readonly logger: TaskContext["logger"];
  /** The same in the reconciler's log, the firing's, the handler's, and in the ledger. */
  readonly correlationId: string;
  /** Aborts when the run is to end early: shutdown, timeout, cancel. */
  readonly signal: AbortSignal;
  readonly query: Query;
  readonly transaction: RunTransaction;
  readonly addJob: AddJob;
  readonly addJobs: AddJobs;
  readonly job: Job;
}

/** When a schedule fires, and by which rules; what the config overlay may change. */
export interface ScheduleRules {
  /** 5 fields, 6 with seconds, or a macro such as `@daily`. */
  readonly cron: string;
  /** IANA name. @defaultValue `"UTC"` */
  readonly timezone?: string;
  /** @defaultValue `true` */
  readonly enabled?: boolean;
  readonly description?: string;
  /** @defaultValue `"once"` */
  readonly misfire?: Misfire;
  readonly catchUp?: CatchUp;
  /** @defaultValue `"allow"` */
  readonly overlap?: Overlap;
  /** No slot before this instant. */
  readonly startAt?: Date | string;
  /** No slot after this instant. */
  readonly endAt?: Date | string;
  /** So many runs, and no more. */
  readonly maxRuns?: number;
  /** Each run is due up to so much later than its slot, by a share that is the slot's own. @defaultValue none */
  readonly jitter?: Duration;
  /** Pauses the schedule once so many runs in a row have failed for good. @defaultValue never */
  readonly pauseAfterFailures?: number;
  readonly calendar?: Calendar;
  readonly queueName?: string;
  readonly priority?: number;
  /** Attempts of each run. @defaultValue graphile-worker's 25 */
  readonly maxAttempts?: number;
  readonly labels?: Labels;
}

/** A schedule with what it runs. */
export interface ScheduledJobDefinition<
  TSchema extends Schema<any, any> | undefined = undefined,
  TResult = unknown,
> extends ScheduleRules {
  /** Its name: 1 to 100 letters, digits and `_ . : / -`. */
  readonly key: string;
  /** Of the payload: checked at start, when a slot fires, and before the handler runs. */
  readonly payloadSchema?: TSchema;
  readonly payload?: InputOf<TSchema>;
  /** Makes the payload when the slot fires; instead of `payload`. */
  readonly buildPayload?: (slot: Slot) => InputOf<TSchema> | Promise<InputOf<TSchema>>;
  /** Does the work. May run more than once for one slot, after a crash: make it idempotent. */
  readonly handler?: (
    payload: OutputOf<TSchema>,
    context: ScheduleContext,
  ) => TResult | Promise<TResult>;
  /** Called with what the handler returned; what it throws is logged, and the run has succeeded all the same. */
  readonly onSuccess?: (result: Awaited<TResult>, context: ScheduleContext) => unknown;
  /** How long one call of the handler may take. @defaultValue as long as it likes */
  readonly timeout?: Duration;
  /** Instead of a handler: a task of this worker, or its identifier. */
  readonly task?: AnyTask | string;
  /** Options of other plugins for the handler's task: `{ retry: { maxAttempts: 3 } }`. */
  readonly taskOptions?: TaskOptions;
}

/** Any schedule. */
export type AnySchedule = ScheduledJobDefinition<any, any>;

/**
 * Gives a schedule its types: the payload's from the schema, `onSuccess`'s from the handler. It checks nothing;
 * that waits for the worker.
 *
 * @example
 * const nightly = defineSchedule({
 *   key: "nightly-report",
 *   cron: "30 2 * * *",
 *   timezone: "Europe/Berlin",
 *   payloadSchema: z.object({ region: z.string() }),
 *   payload: { region: "eu" },
 *   handler: async ({ region }, { scheduledAt }) => ({ region, scheduledAt, rows: 7 }),
 *   onSuccess: ({ rows }, { logger }) => logger.info(`${rows} rows`),
 * });
 */
export function defineSchedule<
  TSchema extends Schema<any, any> | undefined = undefined,
  TResult = unknown,
>(definition: ScheduledJobDefinition<TSchema, TResult>): ScheduledJobDefinition<TSchema, TResult> {
  return Object.freeze({ ...definition });
}

/** A schedule made at run time: it belongs to the database, and names a task. */
export interface ScheduleInput extends ScheduleRules {
  readonly key: string;
  readonly task: AnyTask | string;
  /** @defaultValue `{}` */
  readonly payload?: unknown;
}
