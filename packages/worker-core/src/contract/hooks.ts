import type { Logger } from "graphile-worker";
import type { Duration } from "../duration.ts";
import type { EnqueueDecision, FailureDecision, RunDecision } from "./decisions.ts";
import type { Job, JobSpec, Labels } from "./job.ts";
import type { Query } from "./query.ts";
import type { Reason } from "./reason.ts";
import type { TaskInfo } from "./task.ts";

/** Phases of `beforeEnqueue`, in order: check it, name it, admit it, give it its final shape. */
export const ENQUEUE_PHASES = ["validate", "identify", "admit", "shape"] as const;
/** Phases of `beforeRun`, in order: may it run at all, is there room, take what it uses. */
export const RUN_PHASES = ["gate", "admit", "consume"] as const;

/** A phase of `beforeEnqueue`. */
export type EnqueuePhase = (typeof ENQUEUE_PHASES)[number];
/** A phase of `beforeRun`. */
export type RunPhase = (typeof RUN_PHASES)[number];

/** What a hook that decides means by failing (throwing, or not settling within its timeout). */
export type OnError =
  /** The job goes on as if the hook were not there. */
  | "open"
  /** The job does not: `beforeEnqueue` rejects it, `beforeRun` defers it at no cost in attempts. */
  | "closed";

/** Where a hook stands among those of the other plugins, and to which tasks it applies. */
export interface HookPlace {
  /** Names of plugins whose hook of this kind runs after this one. Names that are not installed are ignored. */
  readonly before?: readonly string[];
  /** Names of plugins whose hook of this kind runs before this one. Names that are not installed are ignored. */
  readonly after?: readonly string[];
  /** How long one call may take before it counts as failed. @defaultValue `"5s"` */
  readonly timeout?: Duration;
  /**
   * Asked once a task, at start. A task that no hook applies to runs without any wrapping.
   * @defaultValue every task
   */
  readonly appliesTo?: (task: TaskInfo) => boolean;
}

/**
 * A hook is a function of one job (`run`), or of many at once (`batch`) where it needs a store: the core
 * calls `batch` once for all jobs of an `addJobs`, and for jobs that come to it within one tick.
 * `batch` returns one decision a job, in the same order.
 */
export type HookCall<TInput, TDecision> =
  | {
      readonly run: (
        input: TInput,
      ) => TDecision | undefined | void | Promise<TDecision | undefined | void>;
      readonly batch?: undefined;
    }
  | {
      readonly batch: (
        inputs: readonly TInput[],
      ) => readonly (TDecision | undefined)[] | Promise<readonly (TDecision | undefined)[]>;
      readonly run?: undefined;
    };

/** What `beforeEnqueue` is given: one job on its way in. */
export interface EnqueueInput {
  /** The job as the hooks before this one left it. */
  readonly spec: JobSpec;
  readonly task: TaskInfo;
  /**
   * Queries inside the transaction that inserts the job: the caller's, if it gave a client, else one that
   * the first call opens. What is written here stands or falls with the job: also what a hook with
   * `onError: "open"` wrote before it threw, as the job goes on. Such a hook writes last, or is closed.
   */
  readonly transaction: () => Promise<Query>;
}

/** What `beforeRun` is given: one claimed job. The object lives as long as the run and is shared by its hooks. */
export interface RunInput {
  /** graphile-worker's row. */
  readonly job: Job;
  readonly task: TaskInfo;
  /** The payload as the task will see it: the schema's output. */
  readonly payload: unknown;
  readonly labels: Labels;
  readonly logger: Logger;
  /** Aborts when the job is to end early: shutdown, or {@link RunInput.abort}. */
  readonly signal: AbortSignal;
  /** Aborts this job's signal only. The task decides what it makes of it. */
  abort(reason?: unknown): void;
}

/** What `afterRun` is given. */
export interface AfterRunInput extends RunInput {
  /** What the task returned. */
  readonly result: unknown;
}

/** What `onFailure` is given. */
export interface FailureInput extends RunInput {
  /** What the task threw. */
  readonly error: unknown;
  /** No attempt is left, counting what earlier hooks of this chain decided. */
  readonly isLastAttempt: boolean;
  /** What an earlier hook of this chain decided; the first `retry` or `exhaust` stands. */
  readonly decision: FailureDecision | undefined;
  /** Of a batch payload (an array whose entries settle apart), the entries that failed; undefined for any other. */
  readonly left: readonly unknown[] | undefined;
  /** Why no attempt is left, where a plugin or the payload's schema decided so; undefined when they were used up. */
  readonly exhausted: Reason | undefined;
}

/**
 * Runs in the process that adds the job, before the insert, and in the insert's transaction when it
 * writes. On the producer's hot path: a hook without a store should be synchronous.
 */
export type BeforeEnqueueHook = HookPlace &
  HookCall<EnqueueInput, EnqueueDecision> & {
    readonly phase: EnqueuePhase;
    readonly onError: OnError;
  };

/**
 * Runs after a job is claimed, before its task. On the worker's hot path: a hook that returns a value that
 * is not a promise costs no tick. Must not complete, fail or move the job itself: it decides, the core acts.
 */
export type BeforeRunHook = HookPlace &
  HookCall<RunInput, RunDecision> & {
    readonly phase: RunPhase;
    readonly onError: OnError;
  };

/**
 * Runs after the task returned, before the row is deleted, in reverse order. It observes: an error in it
 * is logged and counted, and never fails the job.
 */
export type AfterRunHook = HookPlace & HookCall<AfterRunInput, never>;

/**
 * Runs after the task threw, before the failure is written, in reverse order; also when a `beforeRun` hook
 * or the payload's schema failed the job for good. An error in it is logged and counted, and the engine's
 * own retry stands.
 */
export type OnFailureHook = HookPlace & HookCall<FailureInput, FailureDecision>;

/** The four hooks of the contract. */
export interface Hooks {
  readonly beforeEnqueue?: BeforeEnqueueHook | undefined;
  readonly beforeRun?: BeforeRunHook | undefined;
  readonly afterRun?: AfterRunHook | undefined;
  readonly onFailure?: OnFailureHook | undefined;
}

/** The name of one of the four hooks. */
export type HookName = keyof Hooks;
