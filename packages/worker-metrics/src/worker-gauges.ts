import type { Activity, JobState } from "@oppulence/worker-core";
import type { PromBackend } from "./backend.ts";
import type { DepthSample, DepthSampler } from "./depth-sampler.ts";
import type { GaugeInstrument } from "./gauge.ts";
import type { TaskLabels } from "./task-labels.ts";

const STATES = [
  "ready",
  "scheduled",
  "held",
  "running",
  "failed",
] as const satisfies readonly JobState[];
const BOUNDED = { bounded: true } as const;

/** Workers whose activity a backend's gauges show: usually one, more where they share a registry. */
const activities = new WeakMap<PromBackend, Set<() => Activity>>();

/**
 * Shows how busy a worker is, read at each scrape.
 *
 * @returns a function that ends it
 */
export function showActivity(backend: PromBackend, activity: () => Activity): () => void {
  const sources = activities.get(backend) ?? new Set();
  activities.set(backend, sources.add(activity));
  const sum = (part: keyof Activity) =>
    [...sources].reduce((all, source) => all + source()[part], 0);
  backend.gauge(
    {
      name: "worker_jobs_in_progress",
      help: "Jobs that run in this process now",
      collect: (gauge) => gauge.set(sum("running")),
    },
    BOUNDED,
  );
  backend.gauge(
    {
      name: "worker_pool_utilization_ratio",
      help: "Jobs that run in this process now, by the jobs that may run at once",
      collect: (gauge) => {
        const concurrency = sum("concurrency");
        gauge.set(concurrency === 0 ? 0 : sum("running") / concurrency);
      },
    },
    BOUNDED,
  );
  return () => void sources.delete(activity);
}

/** Shows one part of a sample, while there is one. */
interface DepthGauge {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly fill: (gauge: GaugeInstrument, sample: DepthSample) => void;
}

function depthGauges(tasks: TaskLabels<unknown>): DepthGauge[] {
  return [
    {
      name: "worker_queue_depth",
      help: "Jobs in the database, by task and state",
      labels: ["task", "state"],
      fill(gauge, { rows }) {
        for (const task of tasks.labels) for (const state of STATES) gauge.set(0, { task, state });
        for (const { task, state, count } of rows) {
          gauge.cell({ task: tasks.labelOf(task), state }).value += count;
        }
      },
    },
    {
      name: "worker_queue_depth_exact",
      help: "1 when the depth of the queue was counted, 0 when it is estimated from a sample",
      fill: (gauge, { exact }) => gauge.set(exact ? 1 : 0),
    },
    {
      name: "worker_queue_depth_timestamp_seconds",
      help: "When the depth of the queue was sampled, by the clock of this machine",
      fill: (gauge, { takenAt }) => gauge.set(takenAt / 1_000),
    },
  ];
}

/**
 * Shows the depth of the queue, which is that of the whole database, sampled at scrapes. Without a sample
 * there are no values: old ones would hide that the database is away.
 *
 * @returns a function that ends it
 */
export function showDepth(
  backend: PromBackend,
  tasks: TaskLabels<unknown>,
  sampler: DepthSampler,
): () => void {
  const ends = depthGauges(tasks).map(({ fill, ...definition }) => {
    const collect = async () => {
      const sample = await sampler.sample();
      gauge.reset();
      if (sample !== undefined) fill(gauge, sample);
    };
    const gauge = backend.gauge({ ...definition, collect }, BOUNDED);
    return () => {
      // A worker that shares the registry may have taken over.
      if (gauge.collect !== collect) return;
      gauge.collect = undefined;
      gauge.reset();
    };
  });
  return () => {
    for (const end of ends) end();
  };
}
