import {
  type Clock,
  type Counter,
  type Gauge,
  type Meter,
  messageOf,
} from "@oppulence/worker-core";
import type { TaskSize } from "./postgres-counts.ts";

/** What the plugin counts. */
export interface DlqMetrics {
  readonly jobs: Counter<"task" | "reason">;
  readonly reprocessed: Counter<"task">;
  /** What failed without losing an entry: `move`, `handler`, `archive`, `reconcile`, `sample`. */
  readonly errors: Counter<"what">;
}

/** Makes the counters. */
export function createMetrics(meter: Meter): DlqMetrics {
  return {
    jobs: meter.counter({
      name: "dlq_jobs_total",
      help: "Jobs that became dead letters",
      labels: ["task", "reason"],
    }),
    reprocessed: meter.counter({
      name: "dlq_reprocessed_total",
      help: "Dead letters that went back to the queue",
      labels: ["task"],
    }),
    errors: meter.counter({
      name: "dlq_errors_total",
      help: "Moves, handlers, archive hooks and sweeps that failed; no entry is lost by it",
      labels: ["what"],
    }),
  };
}

/** What {@link showSizes} needs. */
export interface SizesInput {
  readonly meter: Meter;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly read: () => Promise<readonly TaskSize[]>;
  readonly onError: (message: string, error: unknown) => void;
}

/** Shows sizes and ages, sampled when they are read and the last sample is too old. */
export function showSizes({ meter, clock, intervalMs, read, onError }: SizesInput): void {
  let sampledAt = Number.NEGATIVE_INFINITY;
  let pending: Promise<readonly TaskSize[] | undefined> | undefined;
  let last: readonly TaskSize[] | undefined;

  const take = async () => {
    try {
      last = await read();
    } catch (error) {
      // Old values would look like dead letters that nobody adds to.
      last = undefined;
      onError(`could not count dead letters: ${messageOf(error)}`, error);
    }
    pending = undefined;
    return last;
  };
  const sizes = () => {
    if (pending !== undefined) return pending;
    const now = clock.now();
    if (now - sampledAt < intervalMs) return last;
    sampledAt = now;
    pending = take();
    return pending;
  };
  const show = (pick: (size: TaskSize) => number) => async (gauge: Gauge<"task">) => {
    const rows = await sizes();
    gauge.reset();
    for (const row of rows ?? []) gauge.set(pick(row), { task: row.task });
  };

  meter.gauge({
    name: "dlq_size",
    help: "Dead letters by task; estimated above 5,000",
    labels: ["task"],
    collect: show(({ size }) => size),
  });
  meter.gauge({
    name: "dlq_age_seconds",
    help: "Time since the oldest dead letter of the task was moved",
    labels: ["task"],
    collect: show(({ ageSeconds }) => ageSeconds),
  });
}
