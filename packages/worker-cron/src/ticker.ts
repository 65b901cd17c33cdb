import { type Clock, messageOf, type PluginHost } from "@oppulence/worker-core";
import type { Firing, Round } from "./firing.ts";
import type { CronMetrics } from "./metrics.ts";
import type { ScheduleTable } from "./postgres-schedules.ts";
import type { RoundReport } from "./round-report.ts";

/** What {@link Ticker} needs. */
export interface TickerInput {
  readonly host: Pick<PluginHost<unknown>, "query" | "logger" | "engine">;
  readonly clock: Clock;
  readonly table: ScheduleTable;
  readonly firing: Firing;
  readonly metrics: CronMetrics;
  readonly batchSize: number;
  readonly pollMs: number;
  readonly report: RoundReport;
}

/** Wakes when something is due, and at least once a poll interval. One statement where nothing is due. */
export class Ticker {
  readonly #input: TickerInput;
  #timer: unknown;
  #turn: Promise<void> | undefined;
  #isStopped = true;
  #isAsked = false;
  #problem: string | undefined;
  /** The slot that was made ready last. */
  #prepared: number | undefined;
  readonly #wakers = new Set<unknown>();

  constructor(input: TickerInput) {
    this.#input = input;
  }

  /** What is wrong with it, since when it fails. */
  get problem(): string | undefined {
    return this.#problem;
  }

  start(): void {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this.wake();
  }

  /** Resolves once a round that was under way is over. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const { clock } = this.#input;
    for (const timer of [this.#timer, ...this.#wakers]) clock.clearTimeout(timer);
    await this.#turn;
  }

  /** Looks now: a schedule has changed. */
  wake(): void {
    if (this.#isStopped) return;
    this.#isAsked = true;
    this.#input.clock.clearTimeout(this.#timer);
    this.#turn ??= this.#run().finally(() => {
      this.#turn = undefined;
      if (this.#isAsked) this.wake();
    });
  }

  async #run(): Promise<void> {
    const { clock, pollMs } = this.#input;
    this.#isAsked = false;
    let waitMs = pollMs;
    try {
      waitMs = Math.min(pollMs, await this.#fireDue());
      this.#problem = undefined;
    } catch (error) {
      this.#complain(error);
    }
    if (!this.#isStopped) this.#timer = clock.setTimeout(() => this.wake(), waitMs);
  }

  /** @returns milliseconds until something is due */
  async #fireDue(): Promise<number> {
    const { host, table, firing, clock } = this.#input;
    for (;;) {
      const next = await table.peek(host.query, firing.left);
      if (next === undefined) return Number.POSITIVE_INFINITY;
      const { dueAt, waitMs } = next;
      if (waitMs > 0) {
        const at = clock.now() + waitMs;
        const isAhead = waitMs < AHEAD_MS && (await this.#prepare(dueAt, waitMs, at));
        if (!isAhead || this.#isStopped) return Math.max(0, Math.ceil(at - clock.now()));
      } else {
        const rounds = await this.#fireAll(1);
        // Others have locked what is due: they fire it.
        if (this.#isStopped || rounds.every(({ claimed }) => claimed === 0)) return CONTENDED_MS;
      }
    }
  }

  /**
   * Makes ready what is due soon. A crowd is fired now, its jobs due at their slots: what thousands of inserts
   * take would otherwise be how late they are.
   *
   * @param at - when it is due, by this process's clock
   * @returns whether it was fired
   */
  async #prepare(dueAt: number, waitMs: number, at: number): Promise<boolean> {
    const { host, firing, clock, batchSize } = this.#input;
    if (dueAt === this.#prepared) return false;
    this.#prepared = dueAt;
    const count = await firing.prepare(host.query, waitMs, () => clock.now() >= at);
    if (count <= batchSize) return false;
    const rounds = await this.#fireAll(LANES, dueAt);
    const fired = rounds.reduce((sum, round) => sum + round.fired.length, 0);
    if (fired > 0 && !this.#isStopped) this.#wakeAt(at, fired);
    return true;
  }

  /** Jobs that were added ahead are found by the poll, unless workers are told of them when they are due. */
  #wakeAt(at: number, count: number): void {
    const { host, clock, metrics } = this.#input;
    const timer = clock.setTimeout(
      () => {
        this.#wakers.delete(timer);
        host.engine.wake(count).catch(() => metrics.errors.add(1, { what: "wake" }));
      },
      Math.max(0, at - clock.now()) + WAKE_AFTER_MS,
    );
    this.#wakers.add(timer);
  }

  /** Fires batches, on several connections at once where there are many, until none finds anything more. */
  async #fireAll(lanes: number, aheadTo?: number): Promise<Round[]> {
    const { firing, batchSize, report } = this.#input;
    const rounds: Round[] = [];
    let count = lanes;
    try {
      while (count > 0 && !this.#isStopped) {
        const all = await Promise.allSettled(
          Array.from({ length: count }, () => firing.round(aheadTo)),
        );
        const done = all.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
        rounds.push(...done);
        const failed = all.find((one) => one.status === "rejected");
        if (failed !== undefined) throw failed.reason;
        count = done.some(({ claimed }) => claimed === batchSize) ? LANES : 0;
      }
    } finally {
      // Not before: what is counted and logged is committed, and others are still to be fired.
      for (const round of rounds) report.tell(round);
    }
    return rounds;
  }

  #complain(error: unknown): void {
    const { host, metrics } = this.#input;
    metrics.errors.add(1, { what: "fire" });
    const message = `could not fire schedules: ${messageOf(error)}`;
    // One line for an outage, not one for each turn of it.
    if (this.#problem === undefined) host.logger.error(message, { error });
    this.#problem = message;
  }
}

/** Batches that a process fires at once: more would only wait for one another. */
const LANES = 2;
/** What is due so soon is made ready. */
const AHEAD_MS = 5_000;
/** A fetch before the jobs are due finds nothing. */
const WAKE_AFTER_MS = 2;
/** How long to wait for others that hold what is due. */
const CONTENDED_MS = 100;
