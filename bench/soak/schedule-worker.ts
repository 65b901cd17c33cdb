import { defineTask } from "@oppulence/worker-core";
import { cron } from "@oppulence/worker-cron";
import { recovery } from "@oppulence/worker-recovery";
import type { WorkerModule } from "@oppulence/worker-testing";
import { manySchedules } from "../../packages/worker-cron/test/many-schedules.ts";

/** The soak's own record of what ran: the ledger is what is under test. */
export const RUNS = `create table schedule_runs (
  job_key text not null,
  scheduled_at timestamptz not null,
  job_id bigint not null
);
create index on schedule_runs (job_key, scheduled_at)`;

/** What {@link config} is told. */
export interface ScheduleSoakData {
  /** How many schedules fire each second. */
  readonly schedules: number;
}

/** A process of the soak: schedules by the second, and what gives back the jobs of those that were killed. */
export const config: WorkerModule = ({ data }) => {
  const { schedules } = data as ScheduleSoakData;
  const work = defineTask({
    identifier: "work",
    run: async (_, { job, labels, query }) => {
      await query(
        "insert into schedule_runs values ($1, to_timestamp($2::float8 / 1000), $3::bigint)",
        [labels["cron.key"], labels["cron.slot"], job.id],
      );
    },
  });
  return {
    tasks: [work],
    plugins: [
      recovery({ heartbeat: "1s" }),
      cron({ schedules: manySchedules(schedules), driftInterval: "2s" }),
    ],
    worker: { concurrentJobs: 5 },
    stopTimeout: "5s",
  };
};
