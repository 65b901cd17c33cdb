import { messageOf, type PluginHost } from "@oppulence/worker-core";
import type { CircuitListener } from "./circuit.ts";
import { type BreakerMetrics, showState } from "./metrics.ts";
import type { ResolvedCircuitBreakerOptions, TransitionListener } from "./options.ts";
import type { CircuitState } from "./record.ts";
import type { Transition } from "./transition.ts";

declare module "@oppulence/worker-core" {
  interface EventMap {
    /** A circuit has another state, as this process has learnt. */
    "circuit:changed": {
      readonly dependency: string;
      /** The state that this process knew before. */
      readonly from: CircuitState;
      readonly to: CircuitState;
      readonly generation: number;
    };
    /** This process has made a transition, and it is stored. */
    "circuit:transition": Transition;
  }
}

/** What {@link createListener} needs. */
export interface ListenerInput {
  readonly host: PluginHost<ResolvedCircuitBreakerOptions>;
  readonly metrics: BreakerMetrics;
  /** A circuit's record is another one. */
  readonly onRecord: CircuitListener["onRecord"];
  /** The listener of the options that hold now. */
  readonly onTransition: () => TransitionListener | undefined;
}

/** Tells metrics, events, the log and the user's listener what becomes of circuits. */
export function createListener({
  host,
  metrics,
  onRecord,
  onTransition,
}: ListenerInput): CircuitListener {
  const { events, logger } = host;
  const failed = (what: string) => (message: string, error: unknown) => {
    metrics.errors.add(1, { what });
    logger.error(`plugin breaker: ${message}: ${messageOf(error)}`, { error });
  };
  return {
    onError: failed("store"),
    onRecord(circuit, before) {
      const { record, name } = circuit;
      if (record === undefined) return;
      showState(metrics, name, record.state);
      if (before !== undefined && before.generation !== record.generation)
        events.emit("circuit:changed", {
          dependency: name,
          from: before.state,
          to: record.state,
          generation: record.generation,
        });
      onRecord(circuit, before);
    },
    onTransition(transition) {
      const { dependency, from, to, reason = "no reason given" } = transition;
      metrics.transitions.add(1, { dependency, from, to });
      logger[to === "open" || to === "forced-open" ? "warn" : "info"](
        `circuit ${dependency}: ${from} → ${to} (${reason})`,
        { transition },
      );
      events.emit("circuit:transition", transition);
      void callIsolated(onTransition(), transition, failed("listener"));
    },
  };
}

async function callIsolated(
  listener: TransitionListener | undefined,
  transition: Transition,
  onError: (message: string, error: unknown) => void,
): Promise<void> {
  try {
    await listener?.(transition);
  } catch (error) {
    onError("onTransition failed", error);
  }
}
