import {
  type AnyTask,
  type Clock,
  defineTask,
  messageOf,
  parseDuration,
  settleWithin,
  type TaskContext,
} from "@oppulence/worker-core";
import type { ScheduleContext } from "./definition.ts";
import { ScheduleTimeoutError } from "./errors.ts";
import { fromSlotLabels } from "./labels.ts";
import type { CronMetrics } from "./metrics.ts";
import type { ResolvedDefinition } from "./options.ts";
import { handlerTask } from "./registry.ts";

/** The task that runs a schedule's handler. */
export function createHandlerTask(
  definition: ResolvedDefinition,
  clock: Clock,
  metrics: CronMetrics,
): AnyTask {
  const { key, handler, onSuccess, payloadSchema, timeout, taskOptions } = definition;
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout, "timeout");
  return defineTask({
    ...taskOptions,
    identifier: handlerTask(key),
    payload: payloadSchema,
    async run(payload: unknown, taskContext: TaskContext) {
      const ending = timeoutMs === undefined ? undefined : new AbortController();
      const context = toContext(key, taskContext, ending?.signal);
      const late = () => {
        const error = new ScheduleTimeoutError(key, "its handler", timeoutMs ?? 0);
        ending?.abort(error);
        return error;
      };
      const pending = Promise.resolve(handler?.(payload, context));
      const result: unknown =
        timeoutMs === undefined
          ? await pending
          : await settleWithin(pending, timeoutMs, late, clock);
      try {
        await onSuccess?.(result as never, context);
      } catch (error) {
        // The work is done: doing it again would not mend this.
        metrics.errors.add(1, { what: "on-success" });
        context.logger.error(`onSuccess failed: ${messageOf(error)}`, { error });
      }
    },
  }) as AnyTask;
}

function toContext(
  key: string,
  context: TaskContext,
  ending: AbortSignal | undefined,
): ScheduleContext {
  const { job, labels, query, transaction, addJob, addJobs, signal } = context;
  const slot = fromSlotLabels(labels);
  // A job that was added by `scheduleOnce` or by SQL has no slot: its own time stands for it.
  const correlationId = slot?.correlationId || `job-${job.id}`;
  return {
    key,
    scheduledAt: slot === undefined ? job.run_at : new Date(slot.slot),
    previous: slot?.previous === undefined ? undefined : new Date(slot.previous),
    correlationId,
    logger: context.logger.scope({ label: `schedule ${key} ${correlationId}` }),
    signal: ending === undefined ? signal : AbortSignal.any([signal, ending]),
    query,
    transaction,
    addJob,
    addJobs,
    job,
  };
}
