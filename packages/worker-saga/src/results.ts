import { type Clock, createBatcher, type Events, settleWithin } from "@oppulence/worker-core";
import type { EachResults } from "./definition.ts";
import { RunFailedError, SagaTimeoutError } from "./errors.ts";
import type { RunState } from "./moves.ts";
import type { RunView } from "./view.ts";

/** Results of a run's steps: a fan-out is read by `items`, here it is how many it had. */
export type RunResults<TSteps> = {
  readonly [K in keyof TSteps]: TSteps[K] extends EachResults<any>
    ? { readonly count: number }
    : TSteps[K];
};

const ENDED = new Set<RunState>([
  "succeeded",
  "failed",
  "compensated",
  "cancelled",
  "compensation_failed",
]);
const FIRST_MS = 25;
const LONGEST_MS = 1_000;

/** Waits for runs to end: told by this process's own transitions, else by asking, for all that are waited for at once. */
export class Waiting {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #read: (id: string) => Promise<RunState | undefined>;

  constructor(
    clock: Clock,
    events: Events,
    read: (ids: readonly string[]) => Promise<readonly { id: string; state: RunState }[]>,
  ) {
    this.#clock = clock;
    this.#events = events;
    this.#read = createBatcher(async (ids: readonly string[]) => {
      const states = new Map((await read([...new Set(ids)])).map(({ id, state }) => [id, state]));
      return ids.map((id) => states.get(id));
    });
  }

  /** @throws SagaTimeoutError */
  async ended(id: string, timeoutMs: number): Promise<void> {
    let wake: (() => void) | undefined;
    let over = false;
    const off = this.#events.on("saga:run", (event) => {
      if (event.id === id && ENDED.has(event.to)) wake?.();
    });
    const poll = async () => {
      for (let pause = FIRST_MS; !over; pause = Math.min(pause * 1.5, LONGEST_MS)) {
        const state = await this.#read(id);
        if (state !== undefined && ENDED.has(state)) return;
        await new Promise<void>((resolve) => {
          const timer = this.#clock.setTimeout(resolve, pause);
          wake = () => {
            this.#clock.clearTimeout(timer);
            resolve();
          };
        });
      }
    };
    const late = () =>
      new SagaTimeoutError(`run ${JSON.stringify(id)} did not end within ${timeoutMs} ms`);
    try {
      await settleWithin(poll(), timeoutMs, late, this.#clock);
    } finally {
      over = true;
      wake?.();
      off();
    }
  }

  /** @throws RunFailedError */
  assertSucceeded({ id, state, failure }: RunView): void {
    if (state !== "succeeded") throw new RunFailedError(id, state, failure ?? "it did not succeed");
  }
}
