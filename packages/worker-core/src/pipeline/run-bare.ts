import type { Task as EngineTask, JobHelpers } from "graphile-worker";
import { InvalidPayloadError } from "../errors.ts";
import { formatIssues, type PayloadResult, validatePayload } from "../validate.ts";
import { isPromise } from "./hook.ts";
import { giveBackInterrupted } from "./interrupted.ts";
import { isTaken, leaveSucceeded } from "./leave.ts";
import { invalidPayload } from "./reasons.ts";
import type { RunShared, RunTask } from "./run-task.ts";
import { createTaskContext } from "./task-context.ts";

/** A defined task that no hook applies to: its payload is checked, its context made, nothing else. */
export function runBare(shared: RunShared, { run, schema, info }: RunTask): EngineTask {
  const call = (payload: unknown, helpers: JobHelpers): unknown => {
    const result = run(payload, createTaskContext(shared, helpers, undefined));
    if (isPromise(result)) return settled(result, helpers);
    return isTaken(result) ? leaveSucceeded(shared, helpers, result) : result;
  };
  const settled = async (pending: Promise<unknown>, helpers: JobHelpers): Promise<unknown> => {
    let result: unknown;
    try {
      result = await pending;
    } catch (error) {
      // A stop had the task's signal aborted: that it ended early is no failure of the task.
      if (helpers.abortSignal.aborted && helpers.job.id !== "-1")
        return giveBackInterrupted(shared, helpers.job);
      throw error;
    }
    return isTaken(result) ? leaveSucceeded(shared, helpers, result) : result;
  };
  if (schema === undefined) return call as EngineTask;
  const checked = (result: PayloadResult<unknown>, helpers: JobHelpers): unknown => {
    if (result.ok) return call(result.value, helpers);
    return exhaust(
      shared,
      helpers,
      new InvalidPayloadError(info.identifier, formatIssues(result.issues)),
    );
  };
  return (payload: unknown, helpers: JobHelpers) => {
    const result = validatePayload(schema, payload);
    return (
      isPromise(result)
        ? result.then((settled) => checked(settled, helpers))
        : checked(result, helpers)
    ) as void;
  };
}

/** A payload that is wrong stays wrong: the job's other attempts are not spent on it. */
async function exhaust(shared: RunShared, { job }: JobHelpers, error: Error): Promise<never> {
  await shared.engine.exhaust(job, invalidPayload(error));
  (job as { attempts: number }).attempts = job.max_attempts;
  throw error;
}
