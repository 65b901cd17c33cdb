import type { Clock } from "@oppulence/worker-core";

/** What ended an attempt from outside. */
export type Ending = "timeout" | "deadline" | "cancelled";

/** An attempt that runs in this process. */
export class Attempt {
  readonly run: string;
  readonly step: number;
  readonly item: number;
  /** The attempt's token. */
  readonly attempt: number;
  readonly startedMs: number;
  /** What came of it is in the database. */
  settled = false;
  ending: Ending | undefined;
  /** The step's function returned. */
  ran = false;
  /** What it wrote is undone with it: unless it is recorded as done, it has not run. */
  exact = false;
  /** It began on its run's way forward: neither compensation nor clean-up. */
  isForward = true;
  readonly #clock: Clock;
  readonly #timers: unknown[] = [];
  readonly #ended = Promise.withResolvers<never>();
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  constructor(
    place: { readonly run: string; readonly step: number; readonly item: number },
    attempt: number,
    clock: Clock,
  ) {
    this.run = place.run;
    this.step = place.step;
    this.item = place.item;
    this.attempt = attempt;
    this.#clock = clock;
    this.startedMs = clock.now();
    this.#ended.promise.catch(() => {});
  }

  /** Made when it is asked for: most steps do not. */
  signal(outer: AbortSignal): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return AbortSignal.any([outer, this.#controller.signal]);
  }

  /** Aborts the signal; after the grace the attempt ends whatever the step does. */
  end(ending: Ending, reason: Error, graceMs: number): void {
    if (this.ending !== undefined || this.settled) return;
    this.ending = ending;
    this.#reason = reason;
    this.#controller?.abort(reason);
    if (graceMs <= 0) this.#ended.reject(reason);
    else this.after(graceMs, () => this.#ended.reject(reason));
  }

  /** Calls back after a time, unless the attempt is over by then. */
  after(ms: number, body: () => void): void {
    this.#timers.push(this.#clock.setTimeout(body, Math.min(Math.max(ms, 0), 2_147_483_647)));
  }

  /** What the step gives, or the reason for which it was ended. */
  race<T>(pending: T | Promise<T>): Promise<T> {
    return Promise.race([pending, this.#ended.promise]);
  }

  /** It runs no more: nothing is to end it. */
  over(): void {
    for (const timer of this.#timers) this.#clock.clearTimeout(timer);
    this.#timers.length = 0;
  }
}
