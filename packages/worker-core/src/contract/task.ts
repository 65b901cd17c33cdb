import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Logger, WithPgClient } from "graphile-worker";
import type { BRAND, Brand } from "./brand.ts";
import type { EnqueueResult, Job, JobOptions, Labels } from "./job.ts";
import type { Query, Transaction } from "./query.ts";

/**
 * Task options that plugins own, one key each. A feature package adds its key by declaration merging, so
 * that an option exists only once its package is imported:
 *
 * ```ts
 * declare module "@oppulence/worker-core" {
 *   interface TaskOptions {
 *     quietHours?: { from: number; to: number };
 *   }
 * }
 * export {};
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface TaskOptions {}

/** Any Standard Schema (zod, valibot, arktype, …). */
export type Schema<TInput = unknown, TOutput = TInput> = StandardSchemaV1<TInput, TOutput>;

/** What the producer passes: the schema's input, or anything without a schema. */
export type InputOf<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : unknown;
/** What the task receives: the schema's output. */
export type OutputOf<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : unknown;

/** How to queue a job, and in whose transaction. */
export interface AddJobOptions extends JobOptions {
  /** Insert inside this transaction of the caller's. @defaultValue one of the core's own */
  readonly client?: Transaction | undefined;
}

/** One job of an `addJobs`. */
export type JobInput<T> = JobOptions & {
  readonly task: T;
} & PayloadField<T extends AnyTask ? PayloadInputOf<T> : unknown>;

type PayloadField<P> = unknown extends P ? { readonly payload?: unknown } : { readonly payload: P };

/** The payload, and options: the payload may be left out where the task has no schema. */
type PayloadAndOptions<P> = unknown extends P
  ? [payload?: unknown, options?: AddJobOptions]
  : [payload: P, options?: AddJobOptions];

/** Adds one job. */
export interface AddJob {
  /**
   * Adds a job for a task, through every plugin's `beforeEnqueue`.
   *
   * @param task - a task of this worker or client, or its identifier
   * @param rest - the payload, which is the schema's input and is validated before anything is written;
   * and options
   * @returns the job's id, or who dropped it and why
   * @throws InvalidPayloadError, UnknownTaskError, InvalidJobError, InvalidOptionsError, JobRejectedError,
   * JobKeyBusyError: nothing was written
   */
  <T extends AnyTask | string>(
    task: T,
    ...rest: PayloadAndOptions<T extends AnyTask ? PayloadInputOf<T> : unknown>
  ): Promise<EnqueueResult>;
}

/** Adds many jobs at once: all, or none. */
export interface AddJobs {
  /**
   * Adds jobs in one statement and one transaction, through every plugin's `beforeEnqueue`.
   *
   * @returns one result a job, in order
   * @throws what {@link AddJob} throws, naming the job's index; then none was added
   */
  <const T extends readonly (AnyTask | string)[]>(
    jobs: { readonly [K in keyof T]: JobInput<T[K]> },
    options?: { readonly client?: Transaction | undefined },
  ): Promise<EnqueueResult[]>;
}

/** Runs `body` in one transaction: committed when it resolves, rolled back when it throws. */
export type RunTransaction = <T>(body: (query: Query) => Promise<T>) => Promise<T>;

/** What a task is given beside its payload. */
export interface TaskContext<TPlugins = Record<string, unknown>> {
  /** graphile-worker's row of the job. */
  readonly job: Job;
  /** Scoped to the job. */
  readonly logger: Logger;
  /** Aborts when the job is to end early (shutdown, timeout, cancel). */
  readonly signal: AbortSignal;
  readonly labels: Labels;
  /** Runs a statement on the worker's pool; resolves to its rows. */
  readonly query: Query;
  /**
   * Runs `body` in one transaction on the worker's pool. Pass its `query` on as `{ client: query }` to add
   * jobs in it.
   */
  readonly transaction: RunTransaction;
  readonly addJob: AddJob;
  readonly addJobs: AddJobs;
  /** Lends a `pg` client of the worker's pool. */
  readonly withPgClient: WithPgClient;
  /** What plugins granted this run, by plugin name. */
  readonly plugins: TPlugins;
}

/** What `defineTask` takes. */
export interface TaskDefinition<
  TIdentifier extends string,
  TSchema extends Schema<any, any> | undefined,
  TResult,
  TPlugins = Record<string, unknown>,
> extends TaskOptions {
  /** The task identifier, as graphile-worker stores it: 1 to 128 characters. */
  readonly identifier: TIdentifier;
  /** The payload's schema: checked before a job is added and again before it runs. */
  readonly payload?: TSchema;
  /** Defaults for jobs of this task; what a producer passes wins. */
  readonly spec?: Omit<JobOptions, "runAt" | "jobKey" | "jobKeyMode">;
  /**
   * Does the work. May run more than once for one job (a crash after the work, before it is recorded): make
   * it idempotent. As in graphile-worker, when the payload is an array and the result an array of the same
   * length, entries that are rejected promises are retried alone. With `taken` a plugin's task says that its row
   * goes with what came of it.
   */
  readonly run: (
    payload: OutputOf<TSchema>,
    context: TaskContext<TPlugins>,
  ) => TResult | Promise<TResult>;
}

/** A task that jobs can be added for: made by `defineTask` or `declareTask`. */
export interface Task<
  TIdentifier extends string = string,
  TSchema extends Schema<any, any> | undefined = Schema<any, any> | undefined,
  TResult = unknown,
> {
  readonly [BRAND]: Extract<Brand, "task">;
  readonly identifier: TIdentifier;
  readonly payload: TSchema;
  readonly spec: TaskDefinition<TIdentifier, TSchema, TResult>["spec"];
  /** Plugins' options of this task, by key. */
  readonly options: Readonly<TaskOptions>;
  /** Undefined on a task that was only declared, for producers. */
  readonly run:
    | ((payload: any, context: TaskContext<any>) => TResult | Promise<TResult>)
    | undefined;
}

/** Any task. */
export type AnyTask = Task<string, any, any>;
/** The payload that a producer of this task passes. */
export type PayloadInputOf<T extends AnyTask> =
  T extends Task<string, infer S, any> ? InputOf<S> : never;
/** The payload that this task receives. */
export type PayloadOf<T extends AnyTask> =
  T extends Task<string, infer S, any> ? OutputOf<S> : never;
/** What this task returns. */
export type ResultOf<T extends AnyTask> = T extends Task<string, any, infer R> ? Awaited<R> : never;

/** A task as plugins see it: defined with `defineTask`, or a plain graphile-worker function. */
export interface TaskInfo {
  readonly identifier: string;
  readonly options: Readonly<TaskOptions>;
  /** Undefined for plain graphile-worker tasks. */
  readonly payload: Schema<any, any> | undefined;
  readonly spec: TaskDefinition<string, undefined, unknown>["spec"];
}
