import type {
  AddJob,
  AddJobs,
  Duration,
  Job,
  JobOptions,
  Query,
  Schema,
  TaskOptions,
} from "@oppulence/worker-core";
import type { Logger } from "graphile-worker";
import type { Results, ResultsOf, Workflow } from "./workflow.ts";

/** What a step is: work, clean-up that always runs, or something that is waited for. */
export type StepKind = "step" | "each" | "sleep" | "signal" | "child";

/** The run that a step belongs to. */
export interface RunRef {
  readonly id: string;
  readonly workflow: string;
}

/** What `execute` is given. */
export interface StepContext<TInput = unknown, TResults = Results> {
  /** The run's input: the schema's output. */
  readonly input: TInput;
  /**
   * Results of the steps that this one depends on, by id, as they were stored. One that was skipped has none.
   * Reading a step that this one does not depend on throws.
   */
  readonly results: TResults;
  /** The same at every attempt, other than that of any other step: for whoever must not do a thing twice. */
  readonly idempotencyKey: string;
  /** Aborts at the step's timeout, the run's deadline or cancellation, and when the worker stops. */
  readonly signal: AbortSignal;
  /** From 1 on. */
  readonly attempt: number;
  readonly run: RunRef;
  readonly logger: Logger;
  /**
   * One statement on the worker's pool. In a transactional step: in the very transaction that records the outcome;
   * pass it on as `{ client: query }`.
   */
  readonly query: Query;
  /** The job that this attempt runs as. */
  readonly job: Job;
  readonly addJob: AddJob;
  readonly addJobs: AddJobs;
}

/** Why a run is compensated, or its clean-up runs. */
export interface Failure {
  readonly cause: "step" | "deadline" | "cancelled";
  /** The step that failed, if one did. */
  readonly step: string | undefined;
  readonly message: string;
}

/** What `compensate` is given. */
export interface CompensateContext<TInput = unknown, TResults = Results, TResult = unknown>
  extends StepContext<TInput, TResults> {
  /** What `execute` returned; undefined where that is not known: it may have run, or not. */
  readonly result: TResult | undefined;
  readonly failure: Failure;
}

/** What the `execute` of a step that always runs is given; of what it depends on, not all may have run. */
export interface AlwaysContext<TInput = unknown, TResults = Results>
  extends StepContext<TInput, Partial<TResults>> {
  /** Undefined where nothing went wrong. */
  readonly failure: Failure | undefined;
}

/** What `when` and the functions that compute an input or a time are given. */
export type Known<TInput = unknown, TResults = Results> = Pick<
  StepContext<TInput, TResults>,
  "input" | "results" | "run"
>;

/** How often a step is tried, and how long it waits in between. */
export interface StepRetry {
  /** Attempts, the first one included. @defaultValue the plugin's `maxAttempts` */
  readonly maxAttempts?: number;
  /** After a failed attempt: one wait, a list (its last one repeats), or a function of the attempt and the error. */
  readonly backoff?:
    | Duration
    | readonly Duration[]
    | ((attempt: number, error: unknown) => Duration);
}

/** What all steps that run code may say. */
export interface StepRules {
  readonly retry?: StepRetry;
  /** Of one attempt: its signal aborts, and the attempt counts as one whose outcome is not known. @defaultValue none */
  readonly timeout?: Duration;
  /** For whoever looks at the run: shown by `show` and `graph`. */
  readonly metadata?: Readonly<Record<string, string | number | boolean>>;
  /** Other plugins' options of the step's task: `{ rateLimit: … }`. */
  readonly taskOptions?: TaskOptions;
  /** How its jobs are queued. */
  readonly spec?: Pick<JobOptions, "queueName" | "priority" | "labels">;
}

/** How a step is undone. */
export interface CompensateRules {
  /** Of the compensation. @defaultValue the plugin's `compensateMaxAttempts` */
  readonly compensateRetry?: StepRetry;
  /** Of one attempt to compensate. @defaultValue the step's `timeout` */
  readonly compensateTimeout?: Duration;
}

type May<T> = T | Promise<T>;

/** A step as the engine sees it, whatever made it; what {@link StepShape} takes, checked. */
export interface StepShape extends StepRules, CompensateRules {
  /** Unique in its workflow: a letter, then up to 54 letters, digits and `_ . -`. */
  readonly id: string;
  /** @defaultValue `"step"` */
  readonly kind?: StepKind;
  /** Ids of steps that come first. @defaultValue the step before it: a list without any is a chain */
  readonly dependsOn?: readonly string[];
  /** False: it is skipped, and what depends on it goes on. Asked once, when it is the step's turn. */
  readonly when?: (known: Known<any, any>) => May<boolean>;
  /** It runs also when the run fails or is cancelled: last of all, after compensation. */
  readonly always?: boolean;
  /** `query` is the transaction that records the outcome: what is written there happens exactly once. */
  readonly transactional?: boolean;
  readonly execute?: (context: any) => unknown;
  readonly compensate?: (context: any) => unknown;
  /** Of a fan-out: what to run over. */
  readonly items?: (known: Known<any, any>) => May<readonly unknown[]>;
  /** Of a fan-out: how many items are under way at once. @defaultValue `10` */
  readonly width?: number;
  /** Of a sleep: how long. */
  readonly for?: Duration | ((known: Known<any, any>) => May<Duration>);
  /** Of a wait: the signal's name. @defaultValue the step's id */
  readonly signal?: string;
  readonly schema?: Schema<any, any>;
  /** What a signal that does not come in time means. @defaultValue `"fail"` */
  readonly onTimeout?: "fail" | "continue";
  /** Of a child: what runs. */
  readonly workflow?: Workflow<any, any, any>;
  /** Of a child: the input of the run that it starts. */
  readonly childInput?: (known: Known<any, any>) => May<unknown>;
}

/** Results of a step's dependencies. */
export type DepsOf<TSteps, TLast extends string, TDeps> = TDeps extends readonly (infer D)[]
  ? Pick<TSteps, D & keyof TSteps>
  : Pick<TSteps, TLast & keyof TSteps>;

/** The part of a step that says where it stands. */
interface Place<TId extends string, TDeps> {
  readonly id: TId;
  readonly dependsOn?: TDeps;
}

/** A step that does something. */
export interface StepInput<TId extends string, TInput, TResults, TDeps, TResult>
  extends Place<TId, TDeps>,
    StepRules,
    CompensateRules {
  readonly transactional?: boolean;
  readonly execute: (context: StepContext<TInput, TResults>) => TResult;
  readonly compensate?: (
    context: CompensateContext<TInput, TResults, import("./stored.ts").Stored<Awaited<TResult>>>,
  ) => unknown;
}

/** A condition: false skips the step. */
export interface When<TInput, TResults> {
  readonly when: (known: Known<TInput, TResults>) => May<boolean>;
}

/** A step that always runs: clean-up. It is not compensated. */
export interface AlwaysInput<TId extends string, TInput, TResults, TDeps, TResult>
  extends Place<TId, TDeps>,
    StepRules {
  readonly execute: (context: AlwaysContext<TInput, TResults>) => TResult;
}

/** A fan-out: the same for every item of an array, so many at once. */
export interface EachInput<TId extends string, TInput, TResults, TDeps, TItem, TResult>
  extends Place<TId, TDeps>,
    StepRules,
    CompensateRules {
  readonly items: (known: Known<TInput, TResults>) => May<readonly TItem[]>;
  /** How many items are under way at once: 1 to 10,000. @defaultValue `10` */
  readonly width?: number;
  readonly execute: (
    context: StepContext<TInput, TResults> & ItemContext<import("./stored.ts").Stored<TItem>>,
  ) => TResult;
  readonly compensate?: (
    context: CompensateContext<TInput, TResults, import("./stored.ts").Stored<Awaited<TResult>>> &
      ItemContext<import("./stored.ts").Stored<TItem>>,
  ) => unknown;
}

/** One item of a fan-out. */
export interface ItemContext<TItem> {
  readonly item: TItem;
  /** From 0 on. */
  readonly index: number;
}

/** What a step that depends on a fan-out is given: its results are read when they are asked for. */
export interface EachResults<TResult> extends AsyncIterable<TResult> {
  /** How many items there were. */
  readonly count: number;
  /** All results, in the order of the items, in memory at once. */
  all(): Promise<TResult[]>;
}

/** A durable pause: no job and no memory while it lasts. */
export interface SleepInput<TId extends string, TInput, TResults, TDeps> extends Place<TId, TDeps> {
  readonly for: Duration | ((known: Known<TInput, TResults>) => May<Duration>);
  readonly metadata?: StepRules["metadata"];
}

/** Waits for a signal, however long. */
export interface SignalInput<
  TId extends string,
  TDeps,
  TSchema extends Schema<any, any> | undefined,
> extends Place<TId, TDeps> {
  /** The signal's name. @defaultValue the step's id */
  readonly signal?: string;
  /** Of the payload; checked by `signal()`, and again when it is read. */
  readonly schema?: TSchema;
  readonly timeout?: Duration;
  readonly metadata?: StepRules["metadata"];
}

/** Runs another workflow as a step; its compensation is to cancel that run, which undoes it. */
export interface ChildInput<
  TId extends string,
  TInput,
  TResults,
  TDeps,
  TChild extends Workflow<any, any, any>,
> extends Place<TId, TDeps> {
  readonly workflow: TChild;
  readonly childInput: (
    known: Known<TInput, TResults>,
  ) => May<
    TChild extends Workflow<any, infer S, any> ? import("@oppulence/worker-core").InputOf<S> : never
  >;
  readonly metadata?: StepRules["metadata"];
}

/** Results of a child's steps, for the step after it. */
export type ChildResults<TChild extends Workflow<any, any, any>> = Partial<ResultsOf<TChild>>;
