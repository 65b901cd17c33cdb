import type { Clock } from "@oppulence/worker-core";

/**
 * An instant by two clocks of this process. The steady one cannot be set, but may stand still while a
 * virtual machine is suspended; the wall clock goes on, but can be set.
 */
export interface Instant {
  readonly steadyMs: number;
  readonly wallMs: number;
}

/** This instant. */
export function instantOf(clock: Clock): Instant {
  return { steadyMs: performance.now(), wallMs: clock.now() };
}

/**
 * What a pool knows of its own life: nobody else declares it dead before its lease has run out.
 *
 * A lease runs from when the last confirmed beat was sent, which is before the database wrote it down, so it
 * ends here no later than there.
 */
export class Lease {
  /** The pool's id, as in `locked_by` of its jobs. */
  readonly pool: string;
  /** The database has said that the pool counts as dead; that is for ever. */
  lost = false;
  readonly #clock: Clock;
  readonly #deadAfterMs: number;
  #steadyMs: number;
  #wallMs: number;

  constructor(pool: string, clock: Clock, deadAfterMs: number, sentAt: Instant) {
    this.pool = pool;
    this.#clock = clock;
    this.#deadAfterMs = deadAfterMs;
    this.#steadyMs = sentAt.steadyMs;
    this.#wallMs = sentAt.wallMs;
  }

  /** The database has confirmed a beat that was sent at that instant. */
  confirm({ steadyMs, wallMs }: Instant): void {
    this.#steadyMs = steadyMs;
    this.#wallMs = wallMs;
  }

  /** Milliseconds since the last confirmed beat was sent, by the clock that says more. */
  silentMs(): number {
    return Math.max(performance.now() - this.#steadyMs, this.#clock.now() - this.#wallMs);
  }

  /** Whether the pool is alive as far as can be known without asking. Asked before every job. */
  isHeld(): boolean {
    return !this.lost && this.silentMs() < this.#deadAfterMs;
  }
}
