import type { Clock } from "./clock.ts";

/** What a {@link Loop} does, and how often. */
export interface LoopInput {
  readonly clock: Clock;
  readonly intervalMs: number;
  /** Must not reject; ends early when the signal aborts. */
  readonly turn: (signal: AbortSignal) => Promise<void>;
  /** From 0 to 1. @defaultValue `Math.random` */
  readonly random?: () => number;
}

/** Does something again and again, with a pause between the end of one turn and the start of the next. */
export class Loop {
  readonly #input: LoopInput;
  #abort: AbortController | undefined;
  #timer: unknown;
  #turn: Promise<void> | undefined;

  constructor(input: LoopInput) {
    this.#input = input;
  }

  /** The first turn comes after a random part of the interval, so that workers that start together do not sweep together. */
  start(): void {
    if (this.#abort !== undefined) return;
    this.#abort = new AbortController();
    this.#schedule(this.#random());
  }

  /** Resolves once a turn that was under way has ended. Safe to call again. */
  async stop(): Promise<void> {
    this.#abort?.abort(new Error("the worker stops"));
    this.#abort = undefined;
    this.#input.clock.clearTimeout(this.#timer);
    await this.#turn;
  }

  #random(): number {
    return (this.#input.random ?? Math.random)();
  }

  #schedule(share: number): void {
    const { clock, intervalMs } = this.#input;
    this.#timer = clock.setTimeout(() => {
      this.#turn = this.#run();
    }, intervalMs * share);
  }

  async #run(): Promise<void> {
    const abort = this.#abort;
    if (abort === undefined) return;
    await this.#input.turn(abort.signal);
    if (!abort.signal.aborted) this.#schedule(0.8 + 0.4 * this.#random());
  }
}
