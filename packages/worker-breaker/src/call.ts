import type { Clock, Outcome, Permit } from "@oppulence/worker-core";
import type { Circuit } from "./circuit.ts";
import { type CallResult, type Ending, endingOf } from "./ending.ts";
import type { ProbeVerdict } from "./probes.ts";

/** What a {@link Call} needs besides its circuit. */
export interface CallInput {
  readonly clock: Clock;
  /** `isFailure` has thrown. */
  readonly onProblem: (dependency: string, error: unknown) => void;
  /** A probe has ended. */
  readonly onTrial: (dependency: string, verdict: ProbeVerdict) => void;
}

/** A call of a dependency under way: what a job, or `run`, holds for it. Settled once; what comes later is passed over. */
export class Call implements Permit {
  readonly circuit: Circuit;
  readonly #input: CallInput;
  readonly #generation: number;
  readonly #startedAt: number;
  readonly #probe: string | undefined;
  #timer: unknown;
  #isOver = false;

  /** @param probe - the id of the probe that it is */
  constructor(circuit: Circuit, input: CallInput, probe?: string) {
    this.circuit = circuit;
    this.#input = input;
    this.#generation = circuit.generation;
    this.#startedAt = circuit.settings.slowCallMs === undefined ? 0 : input.clock.now();
    this.#probe = probe;
    circuit.underWay += 1;
    if (probe === undefined) return;
    const waitMs = circuit.settings.maxHalfOpenWaitMs;
    this.#timer = input.clock.setTimeout(() => {
      const message = `a probe did not end within ${waitMs} ms`;
      void this.#end({ kind: "failed", failure: { message, retry: undefined } });
    }, waitMs);
  }

  /** Whether it shows if the dependency is back. */
  get isProbe(): boolean {
    return this.#probe !== undefined;
  }

  /** Whether it is still under way. */
  get isActive(): boolean {
    return !this.#isOver;
  }

  commit(outcome: Outcome): void | Promise<void> {
    if (outcome.kind === "interrupted") return this.rollback();
    return this.settle(
      outcome.kind === "failed"
        ? { threw: true, error: outcome.error }
        : { threw: false, result: outcome.result },
    );
  }

  rollback(): void | Promise<void> {
    return this.#end({ kind: "no-verdict" });
  }

  /** The call was made, and came to this. A promise only where the store has to know. */
  settle(result: CallResult): void | Promise<void> {
    if (this.#isOver) return undefined;
    const { circuit } = this;
    return this.#end(
      endingOf(result, circuit.settings, (error) => this.#input.onProblem(circuit.name, error)),
    );
  }

  #end(ending: Ending): void | Promise<void> {
    if (this.#isOver) return undefined;
    this.#isOver = true;
    const pending =
      this.#probe === undefined ? this.#count(ending) : this.#endProbe(this.#probe, ending);
    if (pending === undefined) return this.#leave();
    // A failure keeps its place until the store knows of it: the next call starts with that known.
    return pending.then(() => this.#leave());
  }

  #leave(): void {
    this.circuit.underWay -= 1;
  }

  #count(ending: Ending): Promise<void> | undefined {
    if (ending.kind === "no-verdict") return undefined;
    if (ending.kind === "failed")
      return this.circuit.count(this.#generation, "failed", ending.failure);
    return this.circuit.count(this.#generation, this.#isSlow() ? "slow" : "succeeded");
  }

  #endProbe(id: string, ending: Ending): Promise<void> {
    this.#input.clock.clearTimeout(this.#timer);
    const { circuit } = this;
    if (ending.kind === "failed") return this.#endTrial(id, "failed", ending.failure);
    if (ending.kind === "no-verdict") return this.#endTrial(id, "returned");
    if (!this.#isSlow()) return this.#endTrial(id, "succeeded");
    const message = `a probe took longer than ${circuit.settings.slowCallMs} ms`;
    return this.#endTrial(id, "failed", { message, retry: undefined });
  }

  #endTrial(...[id, verdict, failure]: Parameters<Circuit["endProbe"]>): Promise<void> {
    this.#input.onTrial(this.circuit.name, verdict);
    return this.circuit.endProbe(id, verdict, failure);
  }

  #isSlow(): boolean {
    const { slowCallMs } = this.circuit.settings;
    return slowCallMs !== undefined && this.#input.clock.now() - this.#startedAt > slowCallMs;
  }
}
