import {
  type Around,
  type DeferDecision,
  defer,
  proceed,
  type RunDecision,
  type RunInput,
} from "@oppulence/worker-core";
import { type Admission, admit, type Refusal } from "./admission.ts";
import { Call, type CallInput } from "./call.ts";
import type { Circuit } from "./circuit.ts";
import type { Circuits } from "./circuits.ts";
import { dependencyOf } from "./dependencies.ts";
import { inside, isToBeKnown } from "./run.ts";

/** What {@link RunHook} needs. */
export interface RunHookInput extends CallInput {
  readonly circuits: Circuits;
  /** A job is deferred as the circuit is open. */
  readonly onRejected: (dependency: string) => void;
}

const LEAST_DEFERRAL_MS = 250;
/** Whoever leads the parking comes by more often than this. */
const MOST_DEFERRAL_MS = 5_000;
/** Between two jobs that wait: none of a crowd comes back together with another. */
const SPREAD_MS = 1;
const MOST_SPREAD_MS = 60_000;

/** The plugin's `beforeRun`: synchronous, and without a question to the store, while the circuit is closed. */
export class RunHook {
  readonly #input: RunHookInput;
  /** Jobs deferred by circuit, since its state last changed. */
  readonly #deferred = new WeakMap<Circuit, { generation: number; count: number }>();

  constructor(input: RunHookInput) {
    this.#input = input;
  }

  run({ task }: RunInput): RunDecision | undefined | Promise<RunDecision | undefined> {
    const wanted = dependencyOf(task);
    const circuit = wanted && this.#input.circuits.all.get(wanted.dependency);
    if (circuit === undefined) return undefined;
    const admission = admit(circuit, this.#input, wanted?.alwaysAttempt ?? false);
    return admission instanceof Promise
      ? admission.then((settled) => this.#decide(circuit, settled))
      : this.#decide(circuit, admission);
  }

  #decide(circuit: Circuit, admission: Admission): RunDecision | undefined {
    if (admission === undefined) return undefined;
    if (!(admission instanceof Call)) return this.#defer(circuit, admission);
    if (!isToBeKnown(admission)) return proceed({ permit: admission });
    const around: Around = (next) => inside(admission, next);
    return proceed({ permit: admission, around });
  }

  #defer(circuit: Circuit, { code, message, retryAfterMs }: Refusal): DeferDecision {
    const reason = { code, message };
    if (code === "TOO_MANY_UNDER_WAY") return defer({ after: retryAfterMs }, reason);
    this.#input.onRejected(circuit.name);
    const wait = Math.min(MOST_DEFERRAL_MS, Math.max(LEAST_DEFERRAL_MS, retryAfterMs));
    return defer({ after: wait + this.#spread(circuit) }, reason);
  }

  /** Each waiting job gets an instant of its own, in the order in which they came. */
  #spread(circuit: Circuit): number {
    let deferred = this.#deferred.get(circuit);
    if (deferred?.generation !== circuit.generation) {
      deferred = { generation: circuit.generation, count: 0 };
      this.#deferred.set(circuit, deferred);
    }
    deferred.count += 1;
    return (deferred.count * SPREAD_MS) % MOST_SPREAD_MS;
  }
}
