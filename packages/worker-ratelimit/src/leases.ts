import type { Clock } from "@oppulence/worker-core";
import { bucketId } from "./bucket-id.ts";
import type { Bucket, Demand, Lease, Refund, Started } from "./store.ts";

/** Units that this process may start without asking. */
interface Held {
  readonly bucket: Bucket;
  units: number;
  /** By this process's clock. */
  readonly expiresAt: number;
  readonly grantedAt: number;
  /** Who may use them, and how long each had waited then; everybody when undefined. */
  readonly line: Map<string, number> | undefined;
  readonly askedAt: number;
  /** With so few units left, or at this time, the next is asked for, once. */
  readonly low: number;
  readonly lowAt: number;
  isLow: boolean;
}

/** What {@link Leases} needs. */
export interface LeasesInput {
  readonly clock: Clock;
  /** Units have expired; the store takes them back, as far as that is exact. */
  readonly onUnused: (refund: Refund) => void;
  /** A lease is half used, and so many units more will be: they come in time if they are asked for now. */
  readonly onLow: (bucket: Bucket, units: number) => void;
}

/** What a lease let go. */
export interface Used {
  /** Who left a line by it. */
  readonly started: readonly Started[];
  /** How long it was in line; undefined when it was in none. */
  readonly waitedMs: number | undefined;
}

/** How much of a bucket this process uses. */
interface Usage {
  units: number;
  readonly since: number;
  /** In the time before, if there was any. */
  readonly before: number;
}

/** Use is counted over this long; what it was says how much to ask for. */
const USAGE_MS = 200;
/** Use of less than this is no use: one job says nothing of the next. */
const LEAST_USAGE_MS = 2;
const MOST_UNITS = 10_000;
/** For fewer it is not worth the while to ask ahead. */
const LEAST_AHEAD = 16;
const LEAST_BURST_MS = 250;
/** What expired goes back within this. */
const SWEEP_MS = 40;
const AT_ONCE: Used = { started: [], waitedMs: undefined };

/**
 * Units of rates that were granted beside those asked for: a busy limiter is asked a few times a second, not once a
 * job. Synchronous. What is not used is given back when it expires.
 */
export class Leases {
  readonly #input: LeasesInput;
  readonly #clock: Clock;
  readonly #held = new Map<string, Held[]>();
  readonly #usage = new Map<string, Usage>();
  #timer: unknown;

  constructor(input: LeasesInput) {
    this.#input = input;
    this.#clock = input.clock;
  }

  /**
   * Uses leases for all of a request's demands, or for none.
   *
   * @returns undefined when the store has to be asked
   */
  use(id: string, demands: readonly Demand[]): Used | undefined {
    if (this.#held.size === 0) return undefined;
    const now = this.#clock.now();
    // A single demand is by far the most frequent, and has nothing to take back.
    const [first] = demands;
    if (demands.length === 1 && first !== undefined) {
      const held = this.#find(id, first, now);
      if (held === undefined) return undefined;
      this.#take(held, first, now);
      return held.line === undefined ? AT_ONCE : leave(id, [held], now);
    }
    const found: Held[] = [];
    for (const demand of demands) {
      const held = this.#find(id, demand, now);
      if (held === undefined) return undefined;
      found.push(held);
    }
    for (const [index, demand] of demands.entries()) this.#take(found[index] as Held, demand, now);
    return found.every(({ line }) => line === undefined) ? AT_ONCE : leave(id, found, now);
  }

  /** Counts use, and says how many units to ask for beside those needed now. */
  wanted({ bucket, units }: Demand): number {
    if (bucket.rule.kind !== "rate") return 0;
    const now = this.#clock.now();
    const usage = this.#count(bucket, units, now);
    return wantedOf(bucket, usage, now);
  }

  /** Keeps what the store granted. `askedAt` is when the request was sent: the lease ends early rather than late. */
  add(bucket: Bucket, { units, forMs, grantedAt, line }: Lease, askedAt: number): void {
    const id = bucketId(bucket);
    const waiting = line && new Map(line.map((each) => [each.id, each.waitedMs]));
    const held: Held = {
      bucket,
      units,
      expiresAt: askedAt + forMs,
      grantedAt,
      line: waiting,
      askedAt,
      low: units / 2,
      lowAt: askedAt + forMs / 2,
      // Those of a line have their turns: nothing is asked for ahead.
      isLow: waiting !== undefined || units < LEAST_AHEAD,
    };
    const those = this.#held.get(id);
    if (those === undefined) this.#held.set(id, [held]);
    else those.push(held);
    this.#sweepLater();
  }

  /** Takes back a unit of a job that did not start after all, if the lease it may have come from still runs. */
  putBack({ bucket, units }: Demand): void {
    const now = this.#clock.now();
    const held = this.#held
      .get(bucketId(bucket))
      ?.find(({ expiresAt, line }) => expiresAt > now && line === undefined);
    if (held !== undefined) held.units += units;
  }

  /** Gives everything back, for a stop. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const those of this.#held.values()) for (const held of those) this.#giveBack(held);
    this.#held.clear();
    this.#usage.clear();
  }

  /** Use is counted by spans of time; of the one before it is remembered how much it was. */
  #count(bucket: Bucket, units: number, now: number): Usage {
    const id = bucketId(bucket);
    let usage = this.#usage.get(id);
    if (usage === undefined || now - usage.since > USAGE_MS) {
      const isRecent = usage !== undefined && now - usage.since <= 2 * USAGE_MS;
      usage = { units, since: now, before: isRecent ? (usage?.units ?? 0) : 0 };
      this.#usage.set(id, usage);
      this.#sweepLater();
    } else {
      usage.units += units;
    }
    return usage;
  }

  #take(held: Held, { bucket, units }: Demand, now: number): void {
    held.units -= units;
    const usage = this.#count(bucket, units, now);
    if (held.isLow || (held.units > held.low && now < held.lowAt)) return;
    held.isLow = true;
    const ahead = wantedOf(bucket, usage, now) - held.units;
    if (ahead >= LEAST_AHEAD) this.#input.onLow(bucket, ahead);
  }

  #find(id: string, { bucket, units }: Demand, now: number): Held | undefined {
    const those = this.#held.get(bucketId(bucket));
    if (those === undefined) return undefined;
    for (const held of those) {
      if (held.units < units || held.expiresAt <= now) continue;
      if (held.bucket !== bucket && !sameRule(held.bucket, bucket)) continue;
      if (held.line === undefined || held.line.has(id)) return held;
    }
    return undefined;
  }

  #giveBack({ bucket, units, grantedAt }: Held): void {
    if (units > 0) this.#input.onUnused({ bucket, units, grantedAt });
  }

  #sweepLater(): void {
    this.#timer ??= this.#clock.setTimeout(() => this.#sweep(), SWEEP_MS);
  }

  /** Bounded by the buckets that were in use within the last moments. */
  #sweep(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const [id, those] of this.#held) {
      const left = those.filter((held) => held.expiresAt > now);
      if (left.length === those.length) continue;
      for (const held of those) if (held.expiresAt <= now) this.#giveBack(held);
      if (left.length === 0) this.#held.delete(id);
      else this.#held.set(id, left);
    }
    for (const [id, { since }] of this.#usage) {
      if (now - since <= 2 * USAGE_MS) continue;
      this.#usage.delete(id);
    }
    if (this.#held.size > 0 || this.#usage.size > 0) this.#sweepLater();
  }
}

function sameRule({ rule: a }: Bucket, { rule: b }: Bucket): boolean {
  return a.kind === "rate" && b.kind === "rate" && a.unitMs === b.unitMs && a.burst === b.burst;
}

/** Takes one out of the lines of those leases. */
function leave(id: string, leases: readonly Held[], now: number): Used {
  const started: Started[] = [];
  let waitedMs = 0;
  for (const { bucket, line, askedAt } of leases) {
    const waited = line?.get(id);
    if (waited === undefined) continue;
    line?.delete(id);
    started.push({ bucket, id });
    waitedMs = Math.max(waitedMs, waited + now - askedAt);
  }
  return { started, waitedMs };
}

/** How many units a process will use within the time of a lease, by what it used just before. */
function wantedOf({ rule }: Bucket, { units, since, before }: Usage, now: number): number {
  // What is leased and not used is out of the burst until it comes back: of a short one too much would be.
  if (rule.kind !== "rate" || rule.burst * rule.unitMs < LEAST_BURST_MS) return 0;
  const forMs = now - since;
  if (forMs < LEAST_USAGE_MS) return before;
  // No more than was used before: what is leased at the beginning of a burst is hardly more than the burst.
  const most = Math.min(MOST_UNITS, Math.max(units, before));
  return Math.min(most, Math.ceil((units / forMs) * USAGE_MS));
}
