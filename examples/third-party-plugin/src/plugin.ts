import type { Duration, ExplainInput, RunInput, TaskInfo } from "@oppulence/worker-core";
import { definePlugin, isDuration, parseDuration, skip } from "@oppulence/worker-core";
import { z } from "zod";

declare module "@oppulence/worker-core" {
  interface TaskOptions {
    /** A job that could not start within this time of being due is skipped. */
    startWithin?: Duration;
  }
}
const duration = z.custom<Duration>(isDuration, 'expected a duration such as "30s"');

/** Skips jobs that come too late to be of use: the reminders that piled up while nothing ran. */
export function startWithin(options: { readonly default?: Duration } = {}) {
  return definePlugin({
    name: "startWithin",
    options,
    optionsSchema: z.strictObject({ default: duration.optional() }),
    taskOption: { key: "startWithin", schema: duration },
    producers: "enforced-at-run", // so it holds for jobs that SQL, a trigger or a crontab adds, too
    setup({ options, clock }) {
      const limitOf = (task?: TaskInfo) => task?.options.startWithin ?? options.default;
      const tooLate = ({ job, task }: Pick<ExplainInput, "job" | "task">) => {
        const limit = limitOf(task);
        if (limit === undefined) return undefined;
        const last = job.run_at.getTime() + parseDuration(limit, "startWithin");
        const message = `it had to start by ${new Date(last).toISOString()}`;
        return last < clock.now() ? { code: "TOO_LATE", message, blocking: false } : undefined;
      };
      const appliesTo = (task: TaskInfo) => limitOf(task) !== undefined;
      const run = (input: RunInput) => {
        const reason = tooLate(input);
        return reason && skip(reason);
      };
      // "open": a hook that fails lets the job run; better late than never.
      return { beforeRun: { phase: "gate", onError: "open", appliesTo, run }, explain: tooLate };
    },
  });
}
