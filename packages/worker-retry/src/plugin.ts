import {
  definePlugin,
  type Health,
  type Plugin,
  type PluginHost,
  type PluginInstance,
} from "@oppulence/worker-core";
import { createCancelling } from "./cancelling.ts";
import { problemsOfPolicy } from "./check.ts";
import { checkIds } from "./check-ids.ts";
import { DatabaseTime } from "./database-time.ts";
import { NO_REASON } from "./errors.ts";
import { explainRetry } from "./explain.ts";
import { Hooks } from "./hooks.ts";
import {
  type ResolvedRetryOptions,
  type RetryOptions,
  type RetryTaskOptions,
  retryOptions,
  retryTaskOptions,
} from "./options.ts";
import { Policies } from "./policy.ts";
import { type StuckJob, Timeouts } from "./timeout.ts";

/** The plugin's API: `worker.plugins.retry`. */
export interface RetryApi {
  /**
   * Cancels jobs that run, in this process or any other that has the plugin: their signals abort with a
   * `JobCancelledError`. A job whose task then throws gets no more attempts (`CANCELLED`); one whose task
   * returns has succeeded. A job that was claimed but not started is failed before it starts. Jobs that wait
   * are left: `worker.cancel` removes those, and calls this for the others.
   *
   * One round trip where all run here; three, and at most `cancelTimeout`, where other processes are asked. A
   * client, and a worker with `listen: false`, connects for their answers.
   *
   * @param ids - job ids
   * @param reason - for the error and the job's note; 500 characters of it. @defaultValue `"cancelled"`
   * @returns the ids whose run was told
   * @throws RangeError for what is no job id; what the database throws
   */
  cancel(ids: string | readonly string[], reason?: string): Promise<readonly string[]>;
  /** Tasks of this process that still run although their attempt has timed out, oldest first. */
  stuck(): readonly StuckJob[];
}

declare module "@oppulence/worker-core" {
  interface PluginApis {
    retry: RetryApi;
  }
  interface TaskOptions {
    /** Attempts, back-off, timeout and deadline of this task's jobs; of `@oppulence/worker-retry`. */
    retry?: RetryTaskOptions;
  }
}

/** The plugin that {@link retries} makes. */
export type RetryPlugin = Plugin<"retry", ResolvedRetryOptions, RetryApi>;

/**
 * Back-off, errors that are not worth retrying, timeouts, deadlines, and cancelling running jobs.
 *
 * Named `retries`, as the core's decision is `retry`; the plugin's name and the task option are `retry`. All
 * its hooks are synchronous. In a client only `maxAttempts` and `expireAfter` act, and `cancel`.
 *
 * @example
 * createWorker({ connectionString, tasks, plugins: [retries({ maxAttempts: 10, timeout: "5m" })] });
 */
export function retries(options: RetryOptions = {}): RetryPlugin {
  return definePlugin({
    name: "retry",
    package: "@oppulence/worker-retry",
    options,
    optionsSchema: retryOptions,
    taskOption: { key: "retry", schema: retryTaskOptions },
    producers: "enforced-at-run",
    setup,
  });
}

function setup(host: PluginHost<ResolvedRetryOptions>): PluginInstance<RetryApi> {
  const { options, meter, logger, clock, mode } = host;
  const policies = new Policies(options);
  const time = new DatabaseTime(clock);
  const timedOut = meter.counter({
    name: "worker_job_timeouts_total",
    help: "Attempts that took longer than their task's timeout",
    labels: ["task"],
  });
  const stuck = meter.gauge({
    name: "worker_jobs_stuck",
    help: "Tasks of this process that still run although their attempt has timed out",
  });
  const timeouts = new Timeouts({
    clock,
    logger,
    onTimeout: (task) => timedOut.add(1, { task }),
    onStuck: (count) => stuck.set(count),
  });
  const { cancels, channel } = createCancelling(host, (query) => time.measure(query));
  const hooks = new Hooks({ host, policies, time, timeouts, cancels });

  const cancel = async (ids: string | readonly string[], reason = NO_REASON) =>
    cancels.cancel(checkIds(ids), reason);

  function health(): Health {
    const count = timeouts.stuck().length;
    if (count > 0)
      return { status: "degraded", detail: `${count} tasks run on although they have timed out` };
    if (channel !== undefined && !channel.isListening)
      return { status: "degraded", detail: "cannot hear of cancelled jobs" };
    return { status: "ok" };
  }

  return {
    api: { cancel, stuck: () => timeouts.stuck() },
    beforeEnqueue: { phase: "shape", onError: "open", run: (input) => hooks.beforeEnqueue(input) },
    beforeRun: { phase: "gate", onError: "open", run: (input) => hooks.beforeRun(input) },
    // Whether an attempt was the last one is decided here: whoever acts on that comes after.
    onFailure: { before: ["dlq"], run: (input) => hooks.onFailure(input) },
    cancel,
    poolStarting: async (pool) => cancels.addPool(pool),
    poolEnded: async (pool) => cancels.removePool(pool),
    health,
    explain: (input) => explainRetry(input, policies.of(input.task)),
    check: () =>
      [...host.tasks.values()].flatMap((task) => problemsOfPolicy(task, policies.of(task))),
    async start() {
      stuck.set(0);
      if (mode !== "worker") return;
      if (channel === undefined) await time.measure(host.query);
      else await channel.start();
    },
    stop: () => channel?.stop(),
  };
}
