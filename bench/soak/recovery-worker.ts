import { setTimeout as sleep } from "node:timers/promises";
import { defineTask } from "@oppulence/worker-core";
import { dlq } from "@oppulence/worker-dlq";
import { recovery } from "@oppulence/worker-recovery";
import { retries } from "@oppulence/worker-retry";
import type { WorkerModule } from "@oppulence/worker-testing";

/** The kind of a job that takes its process with it whenever it runs. */
export const PILL = "pill";

/** What a job of this soak is to go through: every fortieth fails for good, every twentieth fails once. */
export const KINDS = Array.from({ length: 40 }, (_, n) =>
  n === 0 ? "fail" : n % 20 === 1 ? "fail once" : "succeed",
);

/** The soak's own record: each run with its process, and when each process was killed. */
export const TABLES = `
create table soak_runs (
  id bigint generated always as identity primary key,
  job_id bigint not null,
  kind text not null,
  pid int not null,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
create index on soak_runs (job_id);
create table soak_kills (pid int primary key, at timestamptz not null default clock_timestamp());
`;

/** What {@link config} is told. */
export interface RecoverySoakData {
  readonly heartbeat: string | undefined;
  /** How long a job takes. */
  readonly jobMs: number;
}

/** The three packages of the failure path; the task records when it starts and ends. */
export const config: WorkerModule = ({ data }) => {
  const { heartbeat, jobMs } = data as RecoverySoakData;
  const task = defineTask({
    identifier: "soak",
    run: async (payload, { job, query }) => {
      const { kind } = payload as { kind: string };
      const [run] = await query<{ id: string }>(
        "insert into soak_runs (job_id, kind, pid) values ($1, $2, $3) returning id",
        [job.id, kind, process.pid],
      );
      if (kind === PILL) process.kill(process.pid, "SIGKILL");
      await sleep(jobMs * (0.5 + Math.random()));
      await query("update soak_runs set ended_at = clock_timestamp() where id = $1", [run?.id]);
      if (kind === "fail") throw new Error("it cannot work");
      if (kind === "fail once" && job.attempts === 1) throw new Error("once more");
    },
  });
  return {
    tasks: [task],
    plugins: [
      retries({ maxAttempts: 3, backoff: { type: "fixed", delay: "100ms" } }),
      recovery(heartbeat === undefined ? {} : { heartbeat }),
      dlq(),
    ],
    worker: { concurrentJobs: 8, localQueue: { size: 50 } },
    stopTimeout: "5s",
  };
};
