import type { Duration } from "../duration.ts";
import { BRAND } from "./brand.ts";
import type { JobOptions, Labels } from "./job.ts";
import type { Permit } from "./permit.ts";
import type { ReasonInput } from "./reason.ts";

/**
 * When a deferred job is due: an instant, or a time from now by the database's clock (which several
 * hosts with differing clocks agree on).
 */
export type Until = Date | { readonly after: Duration };

/** Wraps the task's run, for AsyncLocalStorage, spans and transactions; must call `next` once and return its result. */
export type Around = (next: () => unknown) => unknown;

/** The parts of a job that `beforeEnqueue` may change. */
export interface JobPatch extends JobOptions {
  /** Replaces the payload. It is not validated again. */
  readonly payload?: unknown;
}

/** The job goes on to the next hook, with changes. */
export interface ContinueDecision {
  readonly kind: "continue";
  /** Fields to change; labels here are added to those that exist. */
  readonly patch: JobPatch;
}

/** The job is not added; the caller's `addJob` resolves and says why. */
export interface DropDecision {
  readonly kind: "drop";
  readonly reason: ReasonInput;
  /** Id of the job that stands for this one. */
  readonly existing: string | undefined;
}

/** The job is not added; the caller's `addJob` throws a `JobRejectedError`, and nothing of its batch is added. */
export interface RejectDecision {
  readonly kind: "reject";
  readonly reason: ReasonInput;
  readonly cause: unknown;
}

/** What `beforeEnqueue` may decide. `undefined` means: continue unchanged. */
export type EnqueueDecision = ContinueDecision | DropDecision | RejectDecision;

/** The job goes on to the next hook, and then to its task. */
export interface ProceedDecision {
  readonly kind: "proceed";
  /** Settled once the job ends, or rolled back when a later plugin stops it. */
  readonly permit: Permit | undefined;
  /** Seen by the task as `context.plugins[name]`. */
  readonly context: unknown;
  readonly around: Around | undefined;
}

/** The job goes back to the queue until an instant. It costs no attempt. */
export interface DeferDecision {
  readonly kind: "defer";
  readonly until: Until;
  readonly reason: ReasonInput;
}

/** The job completes without its task being called. */
export interface SkipDecision {
  readonly kind: "skip";
  readonly reason: ReasonInput;
}

/** The job fails for good: no more attempts, and the reason recorded as its last error. */
export interface FailDecision {
  readonly kind: "fail";
  readonly reason: ReasonInput;
  readonly cause: unknown;
}

/** What `beforeRun` may decide. `undefined` means: proceed without a permit. */
export type RunDecision = ProceedDecision | DeferDecision | SkipDecision | FailDecision;

/** The failed attempt counts, and the next one is due at this instant instead of the engine's own back-off. */
export interface RetryDecision {
  readonly kind: "retry";
  readonly at: Until;
}

/** The failed attempt was the last: no more attempts. */
export interface ExhaustDecision {
  readonly kind: "exhaust";
  readonly reason: ReasonInput;
}

/** The plugin moves the job's row out of the queue (`engine.takeInto`); the engine has nothing left to write. */
export interface TakenDecision {
  /** Tells what a task returned from any other value; a hook need not say it. */
  readonly [BRAND]?: "taken";
  readonly kind: "taken";
  /** Whether the row was moved, once that is known; undefined when it was before the hook answered. */
  readonly moved?: Promise<boolean> | undefined;
  /** Why the job has no attempt left, unless they are used up. */
  readonly reason?: ReasonInput | undefined;
}

/** What `onFailure` may decide. `undefined` means: nothing, the engine's own retry stands. */
export type FailureDecision = RetryDecision | ExhaustDecision | TakenDecision;

/**
 * Lets a job through `beforeEnqueue`, changed.
 *
 * @example
 * continueWith({ labels: { tenant: "acme" }, priority: 5 })
 */
export function continueWith(patch: JobPatch): ContinueDecision {
  return { kind: "continue", patch };
}

/** Labels to add to a job on its way in; short for {@link continueWith} with only labels. */
export function addLabels(labels: Labels): ContinueDecision {
  return { kind: "continue", patch: { labels } };
}

/**
 * Keeps a job out of the queue without an error.
 *
 * @param reason - code and sentence
 * @param existing - the id of the job that stands for this one
 */
export function drop(reason: ReasonInput, existing?: string): DropDecision {
  return { kind: "drop", reason, existing };
}

/** Refuses a job: the caller's `addJob` throws, and nothing of its batch is added. */
export function reject(reason: ReasonInput, cause?: unknown): RejectDecision {
  return { kind: "reject", reason, cause };
}

/**
 * Lets a job through `beforeRun` with what the plugin holds for it.
 *
 * @example
 * proceed({ permit: { commit: () => lease.release(), rollback: () => lease.release() } })
 */
export function proceed(
  grant: { readonly permit?: Permit; readonly context?: unknown; readonly around?: Around } = {},
): ProceedDecision {
  return { kind: "proceed", permit: grant.permit, context: grant.context, around: grant.around };
}

/**
 * Sends a job back to the queue, at no cost in attempts.
 *
 * @param until - an instant, or `{ after: "200ms" }` by the database's clock. Give each job of a crowd its own.
 * @param reason - code and sentence
 */
export function defer(until: Until, reason: ReasonInput): DeferDecision {
  return { kind: "defer", until, reason };
}

/** Completes a job without running it. */
export function skip(reason: ReasonInput): SkipDecision {
  return { kind: "skip", reason };
}

/** Fails a job for good without running it. */
export function fail(reason: ReasonInput, cause?: unknown): FailDecision {
  return { kind: "fail", reason, cause };
}

/** Sets when the next attempt is due. Without effect on the last attempt. */
export function retry(at: Until): RetryDecision {
  return { kind: "retry", at };
}

/** Makes the failed attempt the last one. */
export function exhaust(reason: ReasonInput): ExhaustDecision {
  return { kind: "exhaust", reason };
}

/**
 * Says that the plugin moves the job's row away, in a statement or transaction of its own.
 *
 * With a promise the job's slot goes to the next job meanwhile, as it does while the engine has yet to write a
 * failure; beyond a thousand such rows a worker waits for them, and so does its stop. Have one statement move
 * all that are waiting. Where the promise rejects, takes longer than the hook's `timeout`, or resolves to false,
 * the failure is recorded as without the plugin, and the job has no attempt left.
 *
 * A task returns it as well, where what came of the job is recorded along with its row: the job has succeeded, its
 * slot goes to the next one, and the engine has no completion to write. Hooks of `afterRun` are called before the
 * row is gone. Here the promise may take its time; where it rejects, the job has failed, and false says that the
 * row was no longer the claim's.
 *
 * @param moved - whether the row was moved; leave it out when it was already. The job's row is to be moved only
 * while the claim's pool holds it, see `engine.takeInto`; copy `id` and `locked_by` before the hook returns
 * @param reason - why the job has no attempt left, unless they are used up
 */
export function taken(moved?: Promise<boolean>, reason?: ReasonInput): TakenDecision {
  return { [BRAND]: "taken", kind: "taken", moved, reason };
}
