import type { Meter } from "@oppulence/worker-core";
import { type RecoveryStore, stateOf } from "./postgres-store.ts";

/** The plugin's counters. */
export interface RecoveryMetrics {
  readonly recovered: (jobs: number) => void;
  readonly poisoned: (task: string) => void;
}

/** Makes the instruments. Pools are counted when the gauge is read, by one small query. */
export function recoveryMetrics(
  meter: Meter,
  store: Pick<RecoveryStore, "pools">,
): RecoveryMetrics {
  const recovered = meter.counter({
    name: "worker_recovered_jobs_total",
    help: "Jobs of dead pools that this process put back into the queue",
  });
  const poisoned = meter.counter({
    name: "worker_poison_pills_total",
    help: "Jobs that went down with too many pools and are not tried again",
    labels: ["task"],
  });
  meter.gauge({
    name: "worker_pools",
    help: "Pools in the whole database: alive, late (two beats are missing), dead (being taken back)",
    labels: ["state"],
    async collect(gauge) {
      const counts = { alive: 0, late: 0, dead: 0 };
      for (const row of await store.pools()) counts[stateOf(row)] += 1;
      for (const [state, count] of Object.entries(counts)) gauge.set(count, { state });
    },
  });
  return {
    recovered: (jobs) => recovered.add(jobs),
    poisoned: (task) => poisoned.add(1, { task }),
  };
}
