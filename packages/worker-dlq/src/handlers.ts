import { type Bound, callBounded, shortMessage } from "./bounded.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { DeadLetterHandler } from "./options.ts";

/** Calls under way at once: an outage that fails thousands of jobs is not to open thousands of connections. */
const AT_ONCE = 10;
/** Entries that wait for their turn; further ones are not told. */
const MAX_WAITING = 1_000;

/** What {@link HandlerQueue} needs. */
export interface HandlerQueueInput extends Omit<Bound, "what" | "signal"> {
  readonly handlersOf: (task: string) => readonly DeadLetterHandler[];
  /** Told of every handler that failed, and of entries that nobody was told of. */
  readonly onError: (message: string, error: unknown) => void;
}

/** Tells handlers of new dead letters, a few at a time, after the fact: nothing waits for them but a stop. */
export class HandlerQueue {
  readonly #input: HandlerQueueInput;
  readonly #waiting: DeadLetter[] = [];
  #running = 0;
  #idle: PromiseWithResolvers<void> | undefined;
  #abort = new AbortController();

  constructor(input: HandlerQueueInput) {
    this.#input = input;
  }

  /** Never throws. */
  tell(entries: readonly DeadLetter[]): void {
    let dropped = 0;
    for (const entry of entries) {
      if (this.#input.handlersOf(entry.task).length === 0) continue;
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(entry);
      else dropped++;
    }
    if (dropped > 0) {
      const error = new Error(
        `${dropped} dead letters came faster than their handlers took them; they are stored, and nobody was told`,
      );
      this.#input.onError(error.message, error);
    }
    while (this.#running < AT_ONCE && this.#waiting.length > 0) void this.#run();
  }

  /** Resolves once no handler runs and none waits. */
  settled(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }

  /** Gives handlers a last while, then aborts them and forgets who waits. */
  async stop(graceMs: number): Promise<void> {
    const { clock } = this.#input;
    const timer = clock.setTimeout(() => {
      this.#waiting.length = 0;
      this.#abort.abort(new Error("the worker stops"));
    }, graceMs);
    await this.settled();
    clock.clearTimeout(timer);
    this.#abort = new AbortController();
  }

  async #run(): Promise<void> {
    this.#running++;
    for (let entry = this.#waiting.shift(); entry !== undefined; entry = this.#waiting.shift())
      await this.#tellOne(entry);
    this.#running--;
    if (this.#running > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  async #tellOne(entry: DeadLetter): Promise<void> {
    for (const handler of this.#input.handlersOf(entry.task)) {
      try {
        await callBounded((signal) => handler(entry, { signal }), {
          ...this.#input,
          what: "onDeadLetter",
          signal: this.#abort.signal,
        });
      } catch (error) {
        const message = `onDeadLetter of dead letter ${entry.id} (task ${entry.task}) failed: ${shortMessage(error)}`;
        this.#input.onError(message, error);
      }
    }
  }
}
