import { defineTask } from "@oppulence/worker-core";
import { cron } from "@oppulence/worker-cron";
import { recovery } from "@oppulence/worker-recovery";
import type { WorkerModule } from "@oppulence/worker-testing";
import { manySchedules } from "../../packages/worker-cron/test/many-schedules.ts";

/** What {@link config} is told. */
export interface ScheduleSoakData {
  /** How many schedules fire each second. */
  readonly schedules: number;
}

/** A process of the soak: schedules by the second, and what gives back the jobs of those that were killed. */
export const config: WorkerModule = ({ data }) => {
  const { schedules } = data as ScheduleSoakData;
  return {
    tasks: [defineTask({ identifier: "work", run: () => {} })],
    plugins: [
      recovery({ heartbeat: "1s" }),
      cron({ schedules: manySchedules(schedules), driftInterval: "2s" }),
    ],
    worker: { concurrentJobs: 5 },
    stopTimeout: "5s",
  };
};
