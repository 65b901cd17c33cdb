import { type Clock, Loop } from "@oppulence/worker-core";
import type { Overrides } from "./overrides.ts";
import type { RateLimitStore } from "./store.ts";

/** What {@link LiveOverrides} needs. */
export interface LiveOverridesInput {
  readonly store: Pick<RateLimitStore, "overrides" | "listen">;
  readonly overrides: Overrides;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly listen: boolean;
  readonly onTurns: (ids: readonly string[]) => void;
  /** Limits have changed: who waits has to hear of it. */
  readonly onChange: () => void;
  readonly onProblem: (message: string) => void;
  readonly onError: (message: string, error: unknown) => void;
}

/** Keeps limits set at run time as the store has them: pushed, and read now and then beside it. */
export class LiveOverrides {
  readonly #input: LiveOverridesInput;
  readonly #loop: Loop;
  #reading: Promise<void> | undefined;
  #isStale = false;
  #endListening: (() => Promise<void>) | undefined;

  constructor(input: LiveOverridesInput) {
    this.#input = input;
    const { clock, intervalMs } = input;
    this.#loop = new Loop({ clock, intervalMs, turn: () => this.read() });
  }

  /** Resolves once they are known. @throws what the store throws */
  async start(): Promise<void> {
    const { store, overrides, listen, onTurns } = this.#input;
    this.#take(await store.overrides(), overrides);
    if (listen) {
      this.#endListening = await store.listen({
        overrides: () => void this.read(),
        turns: onTurns,
      });
    }
    this.#loop.start();
  }

  /** Reads them anew. Never rejects: what was known goes on. */
  read(): Promise<void> {
    this.#isStale = this.#reading !== undefined;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#endListening?.();
    this.#endListening = undefined;
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { store, overrides, onError } = this.#input;
    try {
      do {
        this.#isStale = false;
        this.#take(await store.overrides(), overrides);
      } while (this.#isStale);
    } catch (error) {
      onError("could not read limits set at run time; those known go on", error);
    }
  }

  #take(list: Awaited<ReturnType<RateLimitStore["overrides"]>>, overrides: Overrides): void {
    const { version } = overrides;
    const problems = overrides.replace(list);
    if (overrides.version === version) return;
    for (const problem of problems) this.#input.onProblem(problem);
    this.#input.onChange();
  }
}
