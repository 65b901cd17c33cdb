import { hostname } from "node:os";
import type { Clock } from "@oppulence/worker-core";
import { type Instant, instantOf, Lease } from "./lease.ts";
import type { Timing } from "./options.ts";
import type { RecoveryStore } from "./postgres-store.ts";

/** A beat may take this part of the lease on each of its two ways. */
const TIMEOUT_PART = 1 / 3;
const LEAST_TIMEOUT_MS = 250;
/** Beats come a little early, each by another random part, so that pools do not beat in step. */
const JITTER = 0.25;
/** After a beat that failed, the next comes sooner. */
const RETRY_PART = 0.25;
/** Beats further apart than this are no unbroken row. */
const UNBROKEN_BEATS = 2;

/** What a {@link Heartbeat} needs. */
export interface HeartbeatInput extends Timing {
  readonly store: Pick<RecoveryStore, "join" | "leave" | "beat">;
  readonly clock: Clock;
  /** The database says that a pool of ours counts as dead. */
  readonly onLost: (lease: Lease) => void;
  /** The first beat of an outage failed. */
  readonly onError: (error: unknown) => void;
  /** A beat was confirmed. */
  readonly onBeat: () => void;
}

/** Says for the pools of this process that they are alive, and knows how long others believe it. */
export class Heartbeat {
  readonly #input: HeartbeatInput;
  readonly #timeoutMs: number;
  readonly #leases = new Map<string, Lease>();
  /** Pools that ended while the database was away. */
  readonly #leaving = new Set<string>();
  #timer: unknown;
  #underWay: Promise<void> | undefined;
  #failure: unknown;
  #stopped = false;
  #unbrokenFrom: Instant | undefined;
  #lastBeat: Instant | undefined;

  constructor(input: HeartbeatInput) {
    this.#input = input;
    this.#timeoutMs = Math.max(LEAST_TIMEOUT_MS, input.deadAfterMs * TIMEOUT_PART);
  }

  /** Registers a pool and begins to beat for it. Called, and awaited, before its first claim. */
  async join(pool: string): Promise<void> {
    const { store, clock, deadAfterMs } = this.#input;
    const sentAt = instantOf(clock);
    await store.join(pool, { host: hostname(), pid: process.pid }, this.#input);
    this.#leases.set(pool, new Lease(pool, clock, deadAfterMs, sentAt));
    this.#confirmed(sentAt);
    if (this.#timer === undefined) this.#schedule(1);
  }

  /**
   * Stops beating for a pool that has ended, and deregisters it.
   *
   * @throws what the database throws; a later beat deregisters it then, or else it is found dead and empty
   */
  async leave(pool: string): Promise<void> {
    this.#leases.delete(pool);
    if (this.#leases.size === 0) this.#unschedule();
    this.#leaving.add(pool);
    await this.#leave();
  }

  /** The lease of a pool; undefined when it is none of ours. */
  lease(pool: string | null): Lease | undefined {
    return pool === null ? undefined : this.#leases.get(pool);
  }

  /** Leases of the pools that this process has. */
  leases(): readonly Lease[] {
    return [...this.#leases.values()];
  }

  /** What the last beat failed with; undefined when it did not. */
  get failure(): unknown {
    return this.#failure;
  }

  /** For how long this process has been able to beat without a break: until now, in milliseconds. */
  witnessMs(): number {
    if (this.#unbrokenFrom === undefined || this.#failure !== undefined) return 0;
    return performance.now() - this.#unbrokenFrom.steadyMs;
  }

  /** Beats now, unless a beat is under way, and resolves once it is answered. Never rejects. */
  beat(): Promise<void> {
    this.#underWay ??= this.#beat().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  stop(): void {
    this.#stopped = true;
    this.#unschedule();
  }

  async #leave(): Promise<void> {
    for (const pool of this.#leaving) {
      await this.#input.store.leave(pool);
      this.#leaving.delete(pool);
    }
  }

  async #beat(): Promise<void> {
    const { store, clock, onBeat, onError, onLost } = this.#input;
    const asked = this.leases().filter(({ lost }) => !lost);
    if (asked.length === 0) return;
    const sentAt = instantOf(clock);
    let alive: string[];
    try {
      alive = await store.beat(
        asked.map(({ pool }) => pool),
        this.#timeoutMs,
      );
    } catch (error) {
      if (this.#failure === undefined) onError(error);
      this.#failure = error;
      return;
    }
    this.#failure = undefined;
    for (const lease of asked) {
      if (alive.includes(lease.pool)) {
        lease.confirm(sentAt);
      } else if (this.#leases.get(lease.pool) === lease) {
        lease.lost = true;
        onLost(lease);
      }
    }
    this.#confirmed(sentAt);
    onBeat();
    // What fails here is tried again with the next beat.
    if (this.#leaving.size > 0) await this.#leave().catch(() => {});
  }

  #confirmed(sentAt: Instant): void {
    const last = this.#lastBeat;
    const gapMs = last === undefined ? Number.POSITIVE_INFINITY : sentAt.steadyMs - last.steadyMs;
    if (gapMs > UNBROKEN_BEATS * this.#input.heartbeatMs) this.#unbrokenFrom = sentAt;
    this.#lastBeat = sentAt;
  }

  #schedule(part: number): void {
    if (this.#stopped) return;
    const ms = this.#input.heartbeatMs * part * (1 - JITTER * Math.random());
    this.#timer = this.#input.clock.setTimeout(() => void this.#tick(), ms);
  }

  #unschedule(): void {
    this.#input.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #tick(): Promise<void> {
    await this.beat();
    // The last pool may have left meanwhile.
    if (this.#leases.size === 0) this.#timer = undefined;
    else this.#schedule(this.#failure === undefined ? 1 : RETRY_PART);
  }
}
