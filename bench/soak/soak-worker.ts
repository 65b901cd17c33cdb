import {
  defer,
  definePlugin,
  defineTask,
  exhaust,
  fail,
  proceed,
  retry,
  skip,
} from "@oppulence/worker-core";
import type { WorkerModule } from "@oppulence/worker-testing";

/** What a job of the soak is to go through. */
export const KINDS = ["succeed", "defer", "retry", "fail", "exhaust", "skip", "refuse"] as const;

/** Kinds whose row stays, failed for good. */
export const FAILING = ["exhaust", "refuse"];

/** The soak's own record: what ran, and what has happened once already. */
export const TABLES = `
create table soak_runs (job_id bigint not null, kind text not null, pid int not null, at timestamptz not null default clock_timestamp());
create table soak_marks (job_id bigint primary key);
`;

interface Payload {
  readonly kind: (typeof KINDS)[number];
}

/** Whether this is the first time for a job, whatever process asks. */
const FIRST = "insert into soak_marks values ($1) on conflict do nothing returning job_id";

/** The task that records its run, and fails where its kind says so. */
export const soakTask = defineTask({
  identifier: "soak",
  run: async (payload, { job, query }) => {
    const { kind } = payload as Payload;
    await query("insert into soak_runs (job_id, kind, pid) values ($1, $2, $3)", [
      job.id,
      kind,
      process.pid,
    ]);
    if (kind === "exhaust") throw new Error("no use");
    if (kind !== "retry" && kind !== "fail") return;
    if ((await query(FIRST, [job.id])).length > 0) throw new Error("once more");
  },
});

/** Takes every decision there is, by kind. */
export const soakPlugin = definePlugin({
  name: "soak",
  producers: "enforced-at-run",
  setup: ({ query }) => ({
    beforeEnqueue: { phase: "shape", onError: "closed", run: () => undefined },
    beforeRun: {
      phase: "admit",
      onError: "closed",
      run: async ({ job, payload }) => {
        const { kind } = payload as Payload;
        if (kind === "skip") return skip({ code: "SKIP", message: "not today" });
        if (kind === "refuse") return fail({ code: "REFUSE", message: "never" });
        if (kind === "defer" && (await query(FIRST, [job.id])).length > 0) {
          return defer({ after: 20 }, { code: "LATER", message: "in a moment" });
        }
        return proceed({ permit: { commit: () => {}, rollback: () => {} } });
      },
    },
    afterRun: { run: () => undefined },
    onFailure: {
      run: ({ payload }) => {
        const { kind } = payload as Payload;
        if (kind === "retry") return retry({ after: 20 });
        return kind === "exhaust" ? exhaust({ code: "NO_USE", message: "no use" }) : undefined;
      },
    },
  }),
});

/** The worker's configuration; `data` holds graphile-worker's options. */
export const config: WorkerModule = ({ data }) => ({
  tasks: [soakTask],
  plugins: [soakPlugin],
  worker: { concurrentJobs: 4, ...(data as object | undefined) },
  stopTimeout: "5s",
});
