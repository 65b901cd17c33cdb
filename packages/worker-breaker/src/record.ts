import type { Window } from "./window.ts";

/** All states of a circuit: the three that it passes through by itself, and those that people force. */
export const CIRCUIT_STATES = [
  "closed",
  "open",
  "half-open",
  "forced-open",
  "forced-closed",
  "metrics-only",
] as const;

/**
 * The state of a circuit. Calls pass in `closed`, `forced-closed` (nothing is counted) and `metrics-only`
 * (counted, never opened by it); none in `open` and `forced-open`; probes in `half-open`.
 */
export type CircuitState = (typeof CIRCUIT_STATES)[number];

/** A probe under way. */
export interface ProbeLease {
  readonly id: string;
  /** After this its place is free: its process has crashed. Milliseconds of the store's clock. */
  readonly until: number;
}

/** What all processes share of a circuit. Instants are milliseconds since the epoch, by the store's clock. */
export interface CircuitRecord {
  /** Grows with every change. */
  readonly version: number;
  readonly state: CircuitState;
  /** Grows with every change of state. Outcomes of calls from before are passed over. */
  readonly generation: number;
  /** When the state was entered. */
  readonly since: number;
  /** When it may be probed; while open. */
  readonly probeAt: number | null;
  /** How often it has opened in a row. */
  readonly openings: number;
  readonly window: Window;
  /** Since when the window holds failures or slow calls; null while it holds none. */
  readonly stirredAt: number | null;
  /** How long the dependency has asked to be left alone. */
  readonly retryAt: number | null;
  /** Probes that have succeeded in this half-open state. */
  readonly passed: number;
  readonly probes: readonly ProbeLease[];
  readonly lastError: string | null;
  readonly lastErrorAt: number | null;
  /** Why it is in this state. */
  readonly reason: string | null;
  /** Who forced it; null when nobody did. */
  readonly actor: string | null;
  /** Tasks whose jobs wait for it. */
  readonly tasks: readonly string[];
  /** Jobs of those tasks may be parked. */
  readonly parked: boolean;
}

/**
 * A circuit that nothing has happened to.
 *
 * @param now - by the store's clock; the first version as well, so that a store that lost its data goes on above
 * what processes remember
 */
export function initialRecord(now: number): CircuitRecord {
  return {
    version: Math.floor(now),
    state: "closed",
    generation: 1,
    since: now,
    probeAt: null,
    openings: 0,
    window: { kind: "time", buckets: [] },
    stirredAt: null,
    retryAt: null,
    passed: 0,
    probes: [],
    lastError: null,
    lastErrorAt: null,
    reason: null,
    actor: null,
    tasks: [],
    parked: false,
  };
}

/** Whether calls of this state wait. */
export function isBlocking(state: CircuitState): boolean {
  return state === "open" || state === "half-open" || state === "forced-open";
}
