import type { Counter, Gauge, Meter } from "@oppulence/worker-core";
import type { SlotStatus } from "./postgres-ledger.ts";

/** What the plugin counts. */
export interface CronMetrics {
  readonly missed: Counter<"job_key">;
  readonly fires: Counter<"job_key" | "status">;
  readonly drift: Gauge<"job_key">;
  readonly validationErrors: Counter;
  /** What the reconciler did: `added`, `changed`, `removed`, `healed`. */
  readonly reconciled: Counter<"action">;
  /** What failed without losing a slot: `fire`, `reconcile`, `record`, `sample`, `wake`, `on-success`. */
  readonly errors: Counter<"what">;
}

/** Makes the instruments. */
export function createMetrics(meter: Meter): CronMetrics {
  return {
    missed: meter.counter({
      name: "scheduler_missed_total",
      help: "Slots that passed while no process was there, and had no run of their own",
      labels: ["job_key"],
    }),
    fires: meter.counter({
      name: "scheduler_fires_total",
      help: "Slots that this process came to, and runs that ended here, by what became of them",
      labels: ["job_key", "status"],
    }),
    drift: meter.gauge({
      name: "scheduler_drift_seconds",
      help: "How much later than its slot the schedule last fired in this process",
      labels: ["job_key"],
    }),
    validationErrors: meter.counter({
      name: "scheduler_validation_errors_total",
      help: "Schedules that were refused",
    }),
    reconciled: meter.counter({
      name: "scheduler_reconciled_total",
      help: "Schedules that this process added, changed, removed or healed in the database",
      labels: ["action"],
    }),
    errors: meter.counter({
      name: "scheduler_errors_total",
      help: "What failed without losing a slot",
      labels: ["what"],
    }),
  };
}

/** Counts what became of a slot. */
export function countSlot(metrics: CronMetrics, key: string, status: SlotStatus, count = 1): void {
  if (status === "missed") metrics.missed.add(count, { job_key: key });
  else metrics.fires.add(count, { job_key: key, status });
}

/** More label values than this do a Prometheus no good. */
const MOST_SHOWN = 10_000;

/** Shows when schedules are due next, read when it is scraped. */
export function showNextRuns(
  meter: Meter,
  read: (limit: number) => Promise<readonly { readonly key: string; readonly nextSlot: number }[]>,
  onError: (error: unknown) => void,
): void {
  meter.gauge({
    name: "scheduler_next_run_timestamp",
    help: "When the schedule is due next, in seconds since the epoch",
    labels: ["job_key"],
    async collect(gauge: Gauge<"job_key">) {
      const rows = await read(MOST_SHOWN).catch((error: unknown) => {
        onError(error);
        return [];
      });
      gauge.reset();
      for (const { key, nextSlot } of rows) gauge.set(nextSlot / 1_000, { job_key: key });
    },
  });
}
