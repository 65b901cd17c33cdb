import type { CircuitRecord, CircuitState } from "./record.ts";

/** A change of a circuit's state, or what a person did to it. */
export interface Transition {
  readonly dependency: string;
  /** By the store's clock. */
  readonly at: Date;
  readonly from: CircuitState;
  readonly to: CircuitState;
  readonly generation: number;
  /** Why. */
  readonly reason: string | undefined;
  /** Who; undefined when it went by itself. */
  readonly actor: string | undefined;
  /** What a failed call said last. */
  readonly lastError: string | undefined;
  /** When it is probed next; of an opening. */
  readonly nextProbe: Date | undefined;
}

/** The transition between two records of different generations. */
export function transitionOf(
  dependency: string,
  before: CircuitRecord,
  after: CircuitRecord,
): Transition {
  return {
    dependency,
    at: new Date(after.since),
    from: before.state,
    to: after.state,
    generation: after.generation,
    reason: after.reason ?? undefined,
    actor: after.actor ?? undefined,
    lastError: after.lastError ?? undefined,
    nextProbe: after.probeAt === null ? undefined : new Date(after.probeAt),
  };
}
