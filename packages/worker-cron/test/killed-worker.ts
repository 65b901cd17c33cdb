import { defineTask } from "@oppulence/worker-core";
import type { WorkerModule } from "@oppulence/worker-testing";
import { cron } from "../src/index.ts";
import { manySchedules } from "./many-schedules.ts";

/** What the schedules run. */
export const work = defineTask({ identifier: "work", run: () => {} });

/** Keeps a worker busy, so that a kill test does not take it for one that has nothing left to do. */
export const wait = defineTask({
  identifier: "wait",
  run: (_, { signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
});

/** A process for kill tests and soaks: so many schedules by the second. */
export const config: WorkerModule = ({ data }) => {
  const {
    schedules = 20,
    everyS,
    batchSize,
  } = (data ?? {}) as {
    readonly schedules?: number;
    readonly everyS?: number;
    /** Schedules due at one instant beyond this are enqueued ahead. */
    readonly batchSize?: number;
  };
  return {
    tasks: [work, wait],
    plugins: [
      cron({
        schedules: manySchedules(schedules, everyS),
        ...(batchSize !== undefined && { batchSize }),
      }),
    ],
    worker: { concurrentJobs: 5 },
  };
};
