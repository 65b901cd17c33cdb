import type { Counter, Gauge, Histogram, Meter } from "@oppulence/worker-core";
import type { RunState } from "./moves.ts";

/** What the plugin measures. */
export interface SagaMetrics {
  readonly duration: Histogram<"workflow" | "outcome">;
  readonly compensation: Counter<"workflow" | "step" | "outcome">;
  readonly steps: Counter<"workflow" | "step" | "outcome">;
  /** What failed without losing a run: `record`, `watch`, `reconcile`, `gates`, `strays`, `sample`. */
  readonly errors: Counter<"what">;
}

/** Makes the instruments. */
export function createMetrics(meter: Meter): SagaMetrics {
  return {
    duration: meter.histogram({
      name: "workflow_duration_seconds",
      help: "From a run's start to its end",
      labels: ["workflow", "outcome"],
      buckets: [0.05, 0.25, 1, 5, 30, 120, 600, 3_600, 21_600, 86_400, 604_800],
    }),
    compensation: meter.counter({
      name: "workflow_compensation_total",
      help: "Compensations of steps that ended",
      labels: ["workflow", "step", "outcome"],
    }),
    steps: meter.counter({
      name: "workflow_steps_total",
      help: "Steps that ended",
      labels: ["workflow", "step", "outcome"],
    }),
    errors: meter.counter({
      name: "workflow_errors_total",
      help: "What failed without losing a run",
      labels: ["what"],
    }),
  };
}

/** Runs of a workflow in a state. */
export interface ActiveRow {
  readonly workflow: string;
  readonly state: RunState;
  readonly count: number;
}

/** Shows how many runs are not over, counted when it is read and the last count is too old. */
export function showActive(
  meter: Meter,
  now: () => number,
  intervalMs: number,
  read: () => Promise<readonly ActiveRow[]>,
  onError: (error: unknown) => void,
): void {
  let readAt = Number.NEGATIVE_INFINITY;
  meter.gauge({
    name: "workflow_active",
    help: "Runs that are not over; counted up to 100,000",
    labels: ["workflow", "state"],
    async collect(gauge: Gauge<"workflow" | "state">) {
      if (now() - readAt < intervalMs) return;
      readAt = now();
      let rows: readonly ActiveRow[] = [];
      try {
        rows = await read();
      } catch (error) {
        onError(error);
      }
      gauge.reset();
      for (const { workflow, state, count } of rows) gauge.set(count, { workflow, state });
    },
  });
}
