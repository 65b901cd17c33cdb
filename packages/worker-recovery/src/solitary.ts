/**
 * A place for one. Jobs that are one crash away from being a poison pill run one at a time in a process: if
 * it dies, it is known which of them was there.
 */
export class Solitary {
  #since: number | undefined;
  #holder: object | undefined;

  /** Takes the place. @returns whether it was free */
  enter(who: object): boolean {
    if (this.#holder !== undefined) return false;
    this.#holder = who;
    this.#since = performance.now();
    return true;
  }

  /** Leaves it; safe for those who never had it. */
  leave(who: object): void {
    if (this.#holder !== who) return;
    this.#holder = undefined;
    this.#since = undefined;
  }

  /** For how long the place has been taken, in milliseconds; 0 when it is free. */
  takenMs(): number {
    return this.#since === undefined ? 0 : performance.now() - this.#since;
  }
}

/** The one of this process, whatever number of workers it has: they die together. */
export const processSolitary: Solitary = new Solitary();
