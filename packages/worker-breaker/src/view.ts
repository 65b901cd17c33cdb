import type { Circuit } from "./circuit.ts";
import { freeProbes } from "./probes.ts";
import { type CircuitState, initialRecord } from "./record.ts";
import { currentWindow, type Tally, tallyOf } from "./window.ts";

/** A circuit, as it is shown. Instants are the store's. */
export interface CircuitView {
  readonly dependency: string;
  readonly state: CircuitState;
  /** False when the options switch the breaker off. */
  readonly enabled: boolean;
  readonly since: Date;
  readonly generation: number;
  /** While open. */
  readonly nextProbe: Date | undefined;
  /** How often it has opened in a row. */
  readonly openings: number;
  /** Calls in the window that were told to the store; successes only where they count. */
  readonly calls: Tally;
  /** Probes under way, and those that may be taken. */
  readonly probes: { readonly underWay: number; readonly succeeded: number; readonly free: number };
  readonly lastError: string | undefined;
  readonly lastErrorAt: Date | undefined;
  readonly reason: string | undefined;
  readonly actor: string | undefined;
  /** Whether jobs may be parked, and of which tasks. */
  readonly parked: boolean;
  readonly tasks: readonly string[];
}

const instant = (ms: number | null): Date | undefined => (ms === null ? undefined : new Date(ms));

/** A circuit as this process knows it; one that the store was never asked about is shown as untouched. */
export function viewOf(circuit: Circuit): CircuitView {
  const { name, settings } = circuit;
  const now = circuit.now();
  const record = circuit.record ?? initialRecord(now);
  return {
    dependency: name,
    state: record.state,
    enabled: settings.enabled,
    since: new Date(record.since),
    generation: record.generation,
    nextProbe: instant(record.probeAt),
    openings: record.openings,
    calls: tallyOf(currentWindow(record.window, settings, now)),
    probes: {
      underWay: record.probes.filter(({ until }) => until > now).length,
      succeeded: record.passed,
      free: freeProbes(record, settings, now),
    },
    lastError: record.lastError ?? undefined,
    lastErrorAt: instant(record.lastErrorAt),
    reason: record.reason ?? undefined,
    actor: record.actor ?? undefined,
    parked: record.parked,
    tasks: record.tasks,
  };
}
