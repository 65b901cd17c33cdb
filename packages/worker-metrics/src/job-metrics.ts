import type { Events, Job } from "@oppulence/worker-core";
import type { PromBackend } from "./backend.ts";
import type { CounterInstrument, NumberCell } from "./counter.ts";
import type { DatabaseClock } from "./database-clock.ts";
import type { HistogramCell, HistogramInstrument } from "./histogram.ts";
import type { ResolvedMetricsOptions } from "./options.ts";
import { TaskLabels } from "./task-labels.ts";
import { waitSeconds } from "./wait.ts";

/** What can become of a job or of an attempt: the values of the label `outcome`. */
export const OUTCOMES = [
  "succeeded",
  "failed",
  "exhausted",
  "deferred",
  "skipped",
  "dropped",
] as const;
type Outcome = (typeof OUTCOMES)[number];

/** Everything that is counted for one task, looked up once a job. */
interface TaskCells extends Readonly<Record<Outcome, NumberCell>> {
  readonly added: NumberCell;
  /** Made at the first run: a client, and a task that never runs, have no distributions. */
  runs(): RunCells;
}

interface RunCells {
  readonly duration: HistogramCell;
  readonly wait: HistogramCell;
}

/** What {@link countJobs} needs. */
export interface JobMetricsInput {
  readonly backend: PromBackend;
  readonly options: ResolvedMetricsOptions;
  readonly warn: (message: string) => void;
}

/** The instruments of jobs, with a cell for each task. */
export function jobMetrics({ backend, options, warn }: JobMetricsInput): TaskLabels<TaskCells> {
  const bounded = { bounded: true } as const;
  const jobs = backend.counter(
    {
      name: "worker_jobs_total",
      help: "What became of jobs, by attempt: failed is followed by another attempt, exhausted is not",
      labels: ["task", "outcome"],
    },
    bounded,
  );
  const added = backend.counter(
    { name: "worker_jobs_added_total", help: "Jobs that this process added", labels: ["task"] },
    bounded,
  );
  const duration = backend.histogram(
    {
      name: "worker_job_duration_seconds",
      help: "Time that attempts took, hooks included",
      labels: ["task"],
      buckets: options.buckets.duration,
    },
    bounded,
  );
  const wait = backend.histogram(
    {
      name: "worker_job_wait_seconds",
      help: "Time from when jobs were due until they started",
      labels: ["task"],
      buckets: options.buckets.wait,
    },
    bounded,
  );
  return new TaskLabels(
    options.maxTaskLabels,
    (task) => taskCells(task, { jobs, added, duration, wait }),
    () =>
      warn(
        `${options.maxTaskLabels} tasks have a label of their own, the most there may be; further tasks are counted as "other" (option maxTaskLabels)`,
      ),
  );
}

interface Instruments {
  readonly jobs: CounterInstrument;
  readonly added: CounterInstrument;
  readonly duration: HistogramInstrument;
  readonly wait: HistogramInstrument;
}

function taskCells(task: string, { jobs, added, duration, wait }: Instruments): TaskCells {
  const of = (outcome: Outcome) => jobs.cell({ task, outcome });
  let runs: RunCells | undefined;
  return {
    succeeded: of("succeeded"),
    failed: of("failed"),
    exhausted: of("exhausted"),
    deferred: of("deferred"),
    skipped: of("skipped"),
    dropped: of("dropped"),
    added: added.cell({ task }),
    runs() {
      runs ??= { duration: duration.cell({ task }), wait: wait.cell({ task }) };
      return runs;
    },
  };
}

/**
 * Counts jobs from the core's events. Every listener is on the hot path: a lookup of the task, and numbers.
 *
 * @returns a function that ends it
 */
export function countJobs(
  events: Events,
  tasks: TaskLabels<TaskCells>,
  clock: DatabaseClock,
): () => void {
  // The engine tells of a skipped job as of one that succeeded.
  const skipped = new WeakSet<Job>();
  const ends = [
    events.on("job:started", ({ job }) => {
      tasks.of(job.task_identifier).runs().wait.record(waitSeconds(job, clock.now()));
    }),
    events.on("job:succeeded", ({ job, durationMs }) => {
      if (skipped.has(job)) return;
      const cells = tasks.of(job.task_identifier);
      cells.succeeded.value += 1;
      cells.runs().duration.record(durationMs / 1_000);
    }),
    events.on("job:failed", ({ job, durationMs }) => {
      const cells = tasks.of(job.task_identifier);
      cells.failed.value += 1;
      cells.runs().duration.record(durationMs / 1_000);
    }),
    events.on("job:exhausted", ({ job, durationMs }) => {
      const cells = tasks.of(job.task_identifier);
      cells.exhausted.value += 1;
      cells.runs().duration.record(durationMs / 1_000);
    }),
    events.on("job:deferred", ({ job }) => {
      tasks.of(job.task_identifier).deferred.value += 1;
    }),
    events.on("job:skipped", ({ job }) => {
      skipped.add(job);
      tasks.of(job.task_identifier).skipped.value += 1;
    }),
    events.on("job:dropped", ({ spec }) => {
      tasks.of(spec.identifier).dropped.value += 1;
    }),
    events.on("job:added", ({ spec }) => {
      tasks.of(spec.identifier).added.value += 1;
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}
