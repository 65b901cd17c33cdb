import type { JobHelpers, Logger } from "graphile-worker";
import type {
  Around,
  DeferDecision,
  FailureDecision,
  RunDecision,
  TakenDecision,
} from "../contract/decisions.ts";
import type { AfterRunInput, FailureInput, RunInput } from "../contract/hooks.ts";
import type { Job, Labels } from "../contract/job.ts";
import type { Permit } from "../contract/permit.ts";
import type { Reason } from "../contract/reason.ts";
import type { TaskInfo } from "../contract/task.ts";
import { DeferSignal, markSettled, markSkipped } from "../engine/signal.ts";
import { HookError, InvalidPayloadError, JobFailedError, messageOf } from "../errors.ts";
import { type Flags, fromFlags } from "../labels.ts";
import { formatIssues, type PayloadResult, validatePayload } from "../validate.ts";
import { runAround } from "./around.ts";
import { problemOfStop } from "./check-decision.ts";
import { closedDeferral } from "./closed-deferral.ts";
import { askOnFailure } from "./failure.ts";
import { type CompiledHook, isPromise, within } from "./hook.ts";
import { giveBackInterrupted } from "./interrupted.ts";
import { isTaken, leaveFailed, leaveSucceeded } from "./leave.ts";
import { observe } from "./observe.ts";
import { PermitStack, rollBackLate } from "./permits.ts";
import { invalidPayload, stamp } from "./reasons.ts";
import type { RunShared, RunTask } from "./run-task.ts";
import { createTaskContext } from "./task-context.ts";

/**
 * One claimed job on its way through `beforeRun`, its task, and `afterRun` or `onFailure`.
 *
 * It is its own hook input, so that a job costs one object. Every step returns a value, or a promise only
 * where a hook or the task gave one.
 */
export class JobRun implements RunInput, AfterRunInput, FailureInput {
  readonly job: Job;
  readonly helpers: JobHelpers;
  readonly taskInfo: RunTask;
  readonly shared: RunShared;
  payload: unknown;
  result: unknown;
  error: unknown;
  isLastAttempt = false;
  decision: FailureDecision | undefined;
  exhausted: Reason | undefined;
  taker: CompiledHook<FailureInput, FailureDecision> | undefined;
  left: readonly unknown[] | undefined;
  contexts: Record<string, unknown> | undefined;
  /** Its place among the running jobs; theirs to set. */
  slot = -1;
  /** The stop's bound passed: the job is back in the queue, whatever its task still does. */
  interrupted = false;
  // Not `#private`: those cost on every job.
  private permits: PermitStack | undefined;
  private arounds: { plugin: string; around: Around }[] | undefined;
  private controller: AbortController | undefined;
  private labelSet: Labels | undefined;

  constructor(shared: RunShared, task: RunTask, payload: unknown, helpers: JobHelpers) {
    this.shared = shared;
    this.taskInfo = task;
    this.payload = payload;
    this.helpers = helpers;
    this.job = helpers.job;
  }

  get task(): TaskInfo {
    return this.taskInfo.info;
  }

  get logger(): Logger {
    return this.helpers.logger;
  }

  get labels(): Labels {
    this.labelSet ??= fromFlags(this.job.flags as Flags);
    return this.labelSet;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.helpers.abortSignal.aborted) this.controller.abort(this.helpers.abortSignal.reason);
    }
    return this.controller.signal;
  }

  abort(reason?: unknown): void {
    this.controller ??= new AbortController();
    this.controller.abort(reason);
  }

  /** What the engine calls in place of the task. */
  start(): unknown {
    this.shared.running.add(this);
    const { schema } = this.taskInfo;
    if (schema === undefined) return this.gate(0);
    let checked: PayloadResult<unknown> | Promise<PayloadResult<unknown>>;
    try {
      checked = validatePayload(schema, this.payload);
    } catch (error) {
      return this.failed(error, undefined);
    }
    if (!isPromise(checked)) return this.validated(checked);
    return checked.then(
      (result) => this.validated(result),
      (error) => this.failed(error, undefined),
    );
  }

  /** Ends the run from outside, once its job has been given back. */
  interrupt(): void {
    this.interrupted = true;
    void this.permits?.commit({ kind: "interrupted" });
  }

  private validated(result: PayloadResult<unknown>): unknown {
    if (!result.ok) {
      const error = new InvalidPayloadError(this.task.identifier, formatIssues(result.issues));
      return this.failForGood(invalidPayload(error), error);
    }
    this.payload = result.value;
    return this.gate(0);
  }

  /** Asks the `beforeRun` hooks from the given one on, then runs the task. */
  private gate(from: number): unknown {
    const { beforeRun } = this.taskInfo;
    for (let index = from; index < beforeRun.length; index++) {
      const hook = beforeRun[index] as CompiledHook<RunInput, RunDecision>;
      let decision: ReturnType<typeof hook.call>;
      try {
        decision = hook.call(this);
      } catch (error) {
        decision = this.hookFailed(hook, error);
      }
      if (decision === undefined) continue;
      if (isPromise(decision)) return this.awaitGate(hook, decision, index + 1);
      const stop = this.apply(hook, decision as RunDecision);
      if (stop !== undefined) return stop;
    }
    return this.runTask();
  }

  private async awaitGate(
    hook: CompiledHook<RunInput, RunDecision>,
    pending: Promise<RunDecision | undefined | void>,
    next: number,
  ): Promise<unknown> {
    let decision: RunDecision | undefined | void;
    try {
      decision = await within(pending, hook.timeoutMs, hook.plugin, "beforeRun", (late) =>
        rollBackLate(hook.plugin, late, this.shared.report),
      );
    } catch (error) {
      decision = this.hookFailed(hook, error);
    }
    const stop = decision === undefined ? undefined : this.apply(hook, decision as RunDecision);
    if (stop !== undefined) return stop;
    if (this.interrupted) return this.stopInterrupted();
    return this.gate(next);
  }

  private hookFailed(
    hook: CompiledHook<RunInput, RunDecision>,
    error: unknown,
  ): DeferDecision | undefined {
    this.shared.report.failed(hook.plugin, hook.name, error);
    return hook.onError === "open" ? undefined : closedDeferral(error);
  }

  /** Acts on a decision; undefined when the job goes on to the next hook. */
  private apply(
    hook: CompiledHook<RunInput, RunDecision>,
    decision: RunDecision,
  ): Promise<unknown> | undefined {
    if (decision?.kind === "proceed")
      return this.grant(hook.plugin, decision.permit, decision.context, decision.around);
    const problem = problemOfStop(decision);
    const stop =
      problem === undefined
        ? decision
        : this.hookFailed(hook, new HookError(hook.plugin, "beforeRun", problem));
    if (stop === undefined) return undefined;
    const reason = stamp(hook.plugin, stop.reason);
    if (stop.kind === "defer") return this.defer(stop, reason);
    return stop.kind === "skip"
      ? this.skip(reason)
      : this.failForGood(reason, new JobFailedError(reason, stop.cause));
  }

  /** The job went back to the queue while a hook was still deciding. */
  private async stopInterrupted(): Promise<never> {
    await this.end(this.permits?.rollback());
    throw new DeferSignal({ plugin: "core", code: "INTERRUPTED", message: "the worker stopped" });
  }

  /** Ends the run whatever becomes of its last step. */
  private async end<T>(last: Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await last;
    } finally {
      this.shared.running.delete(this);
    }
  }

  private grant(
    plugin: string,
    permit: Permit | undefined,
    context: unknown,
    around: Around | undefined,
  ): undefined {
    if (permit !== undefined) {
      this.permits ??= new PermitStack(this.shared.report);
      this.permits.push(plugin, permit);
    }
    if (context !== undefined) {
      this.contexts ??= {};
      this.contexts[plugin] = context;
    }
    if (around !== undefined) {
      this.arounds ??= [];
      this.arounds.push({ plugin, around });
    }
    return undefined;
  }

  private async defer(decision: DeferDecision, reason: Reason): Promise<never> {
    await this.permits?.rollback();
    const moved = await this.end(this.shared.engine.defer(this.job, decision.until, reason));
    // The engine compares these to tell a last attempt; a deferral is not one.
    (this.job as { attempts: number }).attempts -= 1;
    if (moved !== undefined)
      this.shared.events.emit("job:deferred", { job: this.job, reason, until: moved.runAt });
    throw new DeferSignal(reason);
  }

  private async skip(reason: Reason): Promise<undefined> {
    await this.permits?.rollback();
    const noted = this.shared.engine.noteSkip(this.job, reason).catch((error: unknown) => {
      // The note only explains; without it the job is skipped all the same.
      this.logger.warn(`could not note why job ${this.job.id} is skipped: ${messageOf(error)}`, {
        error,
      });
    });
    await this.end(noted);
    markSkipped(this.job);
    this.shared.events.emit("job:skipped", { job: this.job, reason });
    return undefined;
  }

  private async failForGood(reason: Reason, error: Error): Promise<never> {
    await this.permits?.rollback();
    await this.end(this.settleForGood(reason, error));
    throw error;
  }

  private async settleForGood(reason: Reason, error: Error): Promise<void> {
    this.error = error;
    this.isLastAttempt = true;
    this.exhausted = reason;
    await askOnFailure(this.taskInfo.onFailure, this, this.shared.report);
    if (this.decision?.kind === "taken") await this.leave(this.decision);
    else await this.exhaust(reason);
  }

  /** A plugin moves the row away: the engine's write about it matches nothing. */
  private leave({ moved }: TakenDecision): Promise<boolean> | undefined {
    markSettled(this.job);
    (this.job as { attempts: number }).attempts = this.job.max_attempts;
    return moved && leaveFailed(this, moved);
  }

  private async exhaust(reason: Reason): Promise<void> {
    await this.shared.engine.exhaust(this.job, reason);
    (this.job as { attempts: number }).attempts = this.job.max_attempts;
  }

  private runTask(): unknown {
    let result: unknown;
    try {
      result =
        this.arounds === undefined
          ? this.callTask()
          : runAround(this.arounds, () => this.callTask(), this.shared.report);
    } catch (error) {
      return this.failed(error, undefined);
    }
    if (!isPromise(result)) return this.returned(result);
    return result.then(
      (value) => this.returned(value),
      (error) => this.failed(error, undefined),
    );
  }

  private callTask(): unknown {
    const { run, plain } = this.taskInfo;
    if (plain) return run(this.payload, this.plainHelpers());
    return run(this.payload, createTaskContext(this.shared, this.helpers, this));
  }

  /** graphile-worker's helpers, with the run's own signal: plugins may abort it. */
  private plainHelpers(): JobHelpers {
    const signal = () => this.signal;
    return Object.create(this.helpers, { abortSignal: { get: signal, enumerable: true } });
  }

  private returned(result: unknown): unknown {
    if (
      Array.isArray(result) &&
      Array.isArray(this.job.payload) &&
      result.length === this.job.payload.length
    ) {
      return this.batchReturned(result);
    }
    return this.succeeded(result);
  }

  /** graphile-worker's batch jobs: entries whose promise rejects are retried alone. */
  private async batchReturned(result: unknown[]): Promise<unknown> {
    const entries = await Promise.allSettled(result);
    const rejected = entries.flatMap((entry) =>
      entry.status === "rejected" ? [entry.reason as unknown] : [],
    );
    if (rejected.length === 0) return this.succeeded(result);
    const left = (this.job.payload as unknown[]).filter(
      (_, index) => entries[index]?.status === "rejected",
    );
    const error = new AggregateError(
      rejected,
      `Batch failures:\n${rejected.map(messageOf).join("\n")}`,
    );
    return this.failed(error, { left, result });
  }

  private succeeded(result: unknown): unknown {
    if (isTaken(result)) return this.end(this.recorded(result));
    this.result = result;
    if (!this.interrupted) {
      const observed = observe(this.taskInfo.afterRun, this, this.shared.report);
      const settled =
        observed === undefined
          ? this.permits?.commit({ kind: "succeeded", result })
          : observed.then(() => this.permits?.commit({ kind: "succeeded", result }));
      if (settled !== undefined) return this.end(settled).then(() => result);
    }
    this.shared.running.delete(this);
    return result;
  }

  /** What came of the job is recorded along with its row. */
  private async recorded(decision: TakenDecision): Promise<undefined> {
    if (!this.interrupted) {
      await observe(this.taskInfo.afterRun, this, this.shared.report);
      await this.permits?.commit({ kind: "succeeded", result: undefined });
    }
    return leaveSucceeded(this.shared, this.helpers, decision);
  }

  private failed(error: unknown, batch: Batch | undefined): Promise<unknown> {
    if (this.interrupted) return this.end(Promise.reject(error));
    // A stop had its signal aborted: that it ended early is no failure of the task.
    if (this.helpers.abortSignal.aborted) return this.end(this.giveBack());
    return this.end(this.settleFailure(error, batch));
  }

  private async giveBack(): Promise<never> {
    await this.permits?.commit({ kind: "interrupted" });
    return giveBackInterrupted(this.shared, this.job);
  }

  private async settleFailure(error: unknown, batch: Batch | undefined): Promise<unknown> {
    this.error = error;
    this.left = batch?.left;
    this.isLastAttempt = this.job.attempts >= this.job.max_attempts;
    await askOnFailure(this.taskInfo.onFailure, this, this.shared.report);
    await this.permits?.commit({ kind: "failed", error, last: this.isLastAttempt });
    const { decision } = this;
    if (decision?.kind === "taken") {
      await this.leave(decision);
    } else if (decision?.kind === "exhaust") {
      await this.exhaust(this.exhausted as Reason);
    } else if (decision?.kind === "retry") {
      await this.shared.engine.retry(this.job, decision.at, messageOf(error), batch?.left);
      throw error;
    }
    if (batch !== undefined && decision?.kind !== "taken") return batch.result;
    throw error;
  }
}

/** A batch job some of whose entries failed. */
interface Batch {
  /** Payloads of the entries that failed. */
  readonly left: unknown[];
  /** What the task returned. */
  readonly result: unknown[];
}
