import { settleWithin } from "@oppulence/worker-core";
import type { CallInput } from "./call.ts";
import type { Circuits } from "./circuits.ts";
import { BreakerStoreError } from "./errors.ts";
import type { Order } from "./machine.ts";
import { type GuardedContext, type RunOptions, runGuarded } from "./run.ts";
import type { BreakerStore } from "./store.ts";
import type { Transition } from "./transition.ts";
import { type CircuitView, viewOf } from "./view.ts";

/** Why somebody changes a circuit by hand; kept with the transition. */
export interface ByHand {
  readonly reason?: string | undefined;
  readonly actor?: string | undefined;
}

/** The plugin's API: `worker.plugins.breaker`, in a worker and in a client. */
export interface BreakerApi {
  /**
   * Makes a call under a dependency's circuit, in a job, a web server or a script. No round trip while the circuit is
   * closed and healthy. Inside a job, or another `run`, that holds a call of the same dependency, it is part of that.
   *
   * @param dependency - its name
   * @param body - makes the call; what it throws is judged by `isFailure`, and thrown on
   * @throws CircuitOpenError, BreakerBusyError, UnknownDependencyError: the call was not made
   */
  run<T>(
    dependency: string,
    body: (context: GuardedContext) => T | Promise<T>,
    options?: RunOptions,
  ): Promise<T>;
  /** A circuit as this process knows it; no round trip. @throws UnknownDependencyError */
  state(dependency: string): CircuitView;
  /** All circuits as they are in the store; one round trip. @throws BreakerStoreError, what the store throws */
  list(): Promise<readonly CircuitView[]>;
  /** One circuit as it is in the store. @throws UnknownDependencyError, BreakerStoreError, what the store throws */
  get(dependency: string): Promise<CircuitView>;
  /** Forces a circuit open until it is reset. @throws UnknownDependencyError, BreakerStoreError, what the store throws */
  open(dependency: string, byHand?: ByHand): Promise<CircuitView>;
  /**
   * Forces a circuit closed until it is reset: nothing opens it.
   *
   * @param byHand - with `count`, calls are counted all the same (`metrics-only`)
   * @throws UnknownDependencyError, BreakerStoreError, what the store throws
   */
  close(dependency: string, byHand?: ByHand & { readonly count?: boolean }): Promise<CircuitView>;
  /**
   * Closes a circuit and forgets what was counted; from then on it goes by itself.
   *
   * @throws UnknownDependencyError, BreakerStoreError, what the store throws
   */
  reset(dependency: string, byHand?: ByHand): Promise<CircuitView>;
  /**
   * Transitions, newest first.
   *
   * @param filter - of one dependency; at most `limit` of them, 50 unless given
   * @throws BreakerStoreError, what the store throws
   */
  history(filter?: {
    readonly dependency?: string | undefined;
    readonly limit?: number | undefined;
  }): Promise<readonly Transition[]>;
}

/** What {@link createApi} needs. */
export interface ApiInput extends CallInput {
  readonly circuits: Circuits;
  readonly store: BreakerStore;
  readonly timeoutMs: number;
  readonly onRejected: (dependency: string) => void;
}

const MOST_TRANSITIONS = 1_000;

/** Makes the API. */
export function createApi(input: ApiInput): BreakerApi {
  const { circuits, store, timeoutMs } = input;
  const order = async (dependency: string, given: Order) => {
    const circuit = circuits.get(dependency);
    await circuit.do({ kind: "obey", order: given });
    return viewOf(circuit);
  };
  return {
    async run(dependency, body, options = {}) {
      const circuit = circuits.get(dependency);
      // A client has no loops: it begins to listen with its first call.
      if (circuit.record === undefined) await circuits.open();
      return runGuarded(circuit, body, options, input);
    },
    state: (dependency) => viewOf(circuits.get(dependency)),
    async list() {
      await circuits.read();
      return [...circuits.all.values()].map(viewOf);
    },
    async get(dependency) {
      const circuit = circuits.get(dependency);
      await circuits.read([dependency]);
      return viewOf(circuit);
    },
    open: (dependency, { reason, actor } = {}) =>
      order(dependency, { state: "forced-open", reason, actor }),
    close: (dependency, { reason, actor, count = false } = {}) =>
      order(dependency, { state: count ? "metrics-only" : "forced-closed", reason, actor }),
    reset: (dependency, { reason, actor } = {}) =>
      order(dependency, { state: "closed", reason, actor }),
    async history({ dependency, limit = 50 } = {}) {
      if (dependency !== undefined) circuits.get(dependency);
      const late = () => new BreakerStoreError(`${store.name} did not answer in time`);
      const most = Math.min(MOST_TRANSITIONS, limit);
      return settleWithin(store.history(dependency, most), timeoutMs, late);
    },
  };
}
