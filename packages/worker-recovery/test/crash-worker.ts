import { type AnyPlugin, defineTask } from "@oppulence/worker-core";
import type { WorkerModule } from "@oppulence/worker-testing";
import { type RecoveryOptions, recovery } from "../src/index.ts";

/** What the tasks write down: one row a run, and how it ended if it did; and which processes may end theirs. */
export const RUNS = `create table recovery_test_released (pid int);
create table recovery_test_runs (
  id bigint generated always as identity primary key,
  job_id bigint not null,
  kind text not null,
  pid int not null,
  pool text,
  started_at timestamptz not null default clock_timestamp(),
  ended text,
  ended_at timestamptz
)`;

/** What a job of `work` does, by its payload's `kind`. */
export type Kind =
  /** Ends at once. */
  | "quick"
  /** Runs until it is released or its signal aborts. */
  | "hold"
  /** Runs until it is released, deaf to its signal. */
  | "deaf"
  /** Kills its own process. */
  | "pill"
  /** Takes a random time, a few hundred milliseconds at most. */
  | "while";

/** Options of {@link config}. */
export interface CrashWorkerData {
  readonly recovery?: RecoveryOptions | false;
  readonly worker?: GraphileConfig.WorkerOptions;
}

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Records its run; see {@link Kind}. */
export const work = defineTask({
  identifier: "work",
  run: async (payload, { job, query, signal }) => {
    const { kind } = payload as { kind: Kind };
    const [run] = await query<{ id: string }>(
      "insert into recovery_test_runs (job_id, kind, pid, pool) values ($1, $2, $3, $4) returning id",
      [job.id, kind, process.pid, job.locked_by],
    );
    if (kind === "pill") process.kill(process.pid, "SIGKILL");
    if (kind === "while") await delay(Math.random() * 300);
    while (kind === "hold" || kind === "deaf") {
      const released = await query(
        "select from recovery_test_released where pid is null or pid = $1",
        [process.pid],
      );
      if (released.length > 0 || (kind === "hold" && signal.aborted)) break;
      await delay(20);
    }
    const ended = signal.aborted ? `aborted: ${(signal.reason as Error).name}` : "done";
    await query(
      "update recovery_test_runs set ended = $2, ended_at = clock_timestamp() where id = $1",
      [run?.id, ended],
    );
    if (kind === "hold") signal.throwIfAborted();
  },
});

/** A worker to be killed: with this plugin, or with `recovery: false` without. */
export const config: WorkerModule = ({ data }) => {
  const { recovery: options, worker } = (data ?? {}) as CrashWorkerData;
  const plugins: AnyPlugin[] = options === false ? [] : [recovery(options)];
  return { tasks: [work], plugins, worker: { concurrentJobs: 4, ...worker }, stopTimeout: "5s" };
};
