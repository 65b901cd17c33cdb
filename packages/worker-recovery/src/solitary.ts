import type { Clock } from "@oppulence/worker-core";

/**
 * A place for one. Jobs that are one crash away from being a poison pill run one at a time in a process: if
 * it dies, it is known which of them was there.
 */
export class Solitary {
  readonly #waiting = new Set<Waiting>();
  #since: number | undefined;
  #holder: object | undefined;

  /** Takes the place. @returns whether it was free */
  enter(who: object): boolean {
    if (this.#holder !== undefined) return false;
    this.#take(who);
    return true;
  }

  /** Waits for the place, first come, first served. @returns whether it came to that within the time */
  turn(who: object, ms: number, clock: Clock): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiting: Waiting = { who, resolve };
    this.#waiting.add(waiting);
    const timer = clock.setTimeout(() => {
      this.#waiting.delete(waiting);
      resolve(false);
    }, ms);
    return promise.finally(() => clock.clearTimeout(timer));
  }

  /** Leaves it; safe for those who never had it. */
  leave(who: object): void {
    if (this.#holder !== who) return;
    this.#holder = undefined;
    this.#since = undefined;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#take(next.who);
    next.resolve(true);
  }

  /** For how long the place has been taken, in milliseconds; 0 when it is free. */
  takenMs(): number {
    return this.#since === undefined ? 0 : performance.now() - this.#since;
  }

  #take(who: object): void {
    this.#holder = who;
    this.#since = performance.now();
  }
}

interface Waiting {
  readonly who: object;
  readonly resolve: (came: boolean) => void;
}

/** The one of this process, whatever number of workers it has: they die together. */
export const processSolitary: Solitary = new Solitary();
