import type { JobHelpers } from "graphile-worker";
import { hasBrand } from "../contract/brand.ts";
import type { TakenDecision } from "../contract/decisions.ts";
import { markSettled } from "../engine/signal.ts";
import { messageOf } from "../errors.ts";
import { within } from "./hook.ts";
import type { JobRun } from "./job-run.ts";
import type { RunShared } from "./run-task.ts";

/** Whether a task returned `taken`: what came of the job is recorded along with its row. */
export function isTaken(result: unknown): result is TakenDecision {
  return hasBrand(result, "taken");
}

/**
 * Lets a job go that succeeded, while its row is moved away.
 *
 * @returns what its slot has to wait for; undefined when it may go
 * @throws Error when the slot waited in vain: the engine is not to complete what may be another claim's by now
 */
export function leaveSucceeded(
  { leaving }: Pick<RunShared, "leaving">,
  { job, logger }: JobHelpers,
  { moved }: TakenDecision,
): Promise<undefined> | undefined {
  if (moved === undefined) return undefined;
  const report = (error: unknown) =>
    logger.error(`could not record what came of job ${job.id}: ${messageOf(error)}`, { error });
  return leaving.add({ job: { ...job }, moved, report, failure: undefined })?.then((isMoved) => {
    if (isMoved) return undefined;
    markSettled(job);
    throw new Error(`job ${job.id} succeeded, and what came of it could not be recorded`);
  });
}

/**
 * Lets a job go that failed, while a plugin moves its row away.
 *
 * @returns what its slot has to wait for; undefined when it may go
 */
export function leaveFailed(
  { job, error, exhausted, left, taker, shared }: JobRun,
  moved: Promise<boolean>,
): Promise<boolean> | undefined {
  const { plugin, timeoutMs } = taker as NonNullable<typeof taker>;
  return shared.leaving.add({
    job,
    moved: within(moved, timeoutMs, plugin, "onFailure"),
    report: (cause) => shared.report.failed(plugin, "onFailure", cause),
    failure: { error, exhausted, left },
  });
}
