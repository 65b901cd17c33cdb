import type { Counter, Gauge, Meter } from "@oppulence/worker-core";
import { CIRCUIT_STATES, type CircuitState } from "./record.ts";

/** What the plugin measures. */
export interface BreakerMetrics {
  /** 1 for the state that the circuit is in, 0 for the others; as this process knows it. */
  readonly state: Gauge<"dependency" | "state">;
  /** Counted by the process that made the transition. */
  readonly transitions: Counter<"dependency" | "from" | "to">;
  /** Outcomes: `succeeded`, `failed`, `returned`. */
  readonly trials: Counter<"dependency" | "outcome">;
  readonly rejected: Counter<"dependency">;
  /** What failed: `store`, `listener`, `is-failure`, `parking`. */
  readonly errors: Counter<"what">;
}

/** Makes the instruments. */
export function createMetrics(meter: Meter): BreakerMetrics {
  return {
    state: meter.gauge({
      name: "circuit_state",
      help: "1 for the state that the dependency's circuit is in, 0 for the others",
      labels: ["dependency", "state"],
    }),
    transitions: meter.counter({
      name: "circuit_transitions_total",
      help: "Transitions that this process has made",
      labels: ["dependency", "from", "to"],
    }),
    trials: meter.counter({
      name: "circuit_half_open_trials_total",
      help: "Probes of this process that have ended",
      labels: ["dependency", "outcome"],
    }),
    rejected: meter.counter({
      name: "circuit_rejected_total",
      help: "Calls that were not made as the circuit was open: jobs that were deferred, and run() that threw",
      labels: ["dependency"],
    }),
    errors: meter.counter({
      name: "circuit_errors_total",
      help: "What failed without failing a job",
      labels: ["what"],
    }),
  };
}

/** Shows the state that a circuit is in. */
export function showState(
  { state: gauge }: BreakerMetrics,
  dependency: string,
  state: CircuitState,
): void {
  for (const each of CIRCUIT_STATES) gauge.set(each === state ? 1 : 0, { dependency, state: each });
}
