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

/** What a process has of a bucket, and how much it uses of it. */
interface Account {
  held: readonly Held[];
  /** Within the span of time that began then. */
  used: number;
  since: number;
  /** Within the span before, if there was one just before. */
  before: number;
  /** Until then nothing is leased: those in line whom units were leased for came to other processes. */
  restsUntil: number;
  /** Nobody used it for a while: the next one begins another. */
  isOver: boolean;
}

/** Use is counted over this long; what it was says how much to ask for. */
const USAGE_MS = 200;
/** Few that were used within less than this say nothing of the next. */
const LEAST_USAGE_MS = 2;
const MOST_UNITS = 10_000;
/** From lease to lease. */
const GROWTH = 4;
/** Of a burst: so little is not missed by other processes until it comes back. */
const SMALL_SHARE = 0.01;
/** After a lease to a line of which a quarter was not used: one of several processes has a share of a line only. */
const REST_MS = 10_000;
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
  readonly #accounts = new Map<string, Account>();
  /** The same by the bucket itself: of most jobs it is one object. */
  readonly #known = new WeakMap<Bucket, Account>();
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
    const now = this.#clock.now();
    // A single demand is by far the most frequent, and has nothing to take back.
    const [first] = demands;
    if (demands.length === 1 && first !== undefined) {
      const account = this.#accountOf(first.bucket);
      const held = find(account, id, first, now);
      if (held === undefined) return undefined;
      this.#take(account, held, first, now);
      return held.line === undefined ? AT_ONCE : leave(id, [held], now);
    }
    const found: Held[] = [];
    for (const demand of demands) {
      const held = find(this.#accountOf(demand.bucket), id, demand, now);
      if (held === undefined) return undefined;
      found.push(held);
    }
    for (const [index, demand] of demands.entries())
      this.#take(this.#accountOf(demand.bucket), found[index] as Held, demand, now);
    return found.every(({ line }) => line === undefined) ? AT_ONCE : leave(id, found, now);
  }

  /** Counts use, and says how many units to ask for beside those needed now. */
  wanted({ bucket, units }: Demand): number {
    if (bucket.rule.kind !== "rate") return 0;
    const now = this.#clock.now();
    const account = this.#accountOf(bucket);
    count(account, units, now);
    this.#sweepLater();
    return wantedOf(bucket, account, now);
  }

  /** Keeps what the store granted. `askedAt` is when the request was sent: the lease ends early rather than late. */
  add(bucket: Bucket, { units, forMs, grantedAt, line }: Lease, askedAt: number): void {
    const account = this.#accountOf(bucket);
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
    account.held = [...account.held, held];
    this.#sweepLater();
  }

  /** Takes back a unit of a job that did not start after all, if the lease it may have come from still runs. */
  putBack({ bucket, units }: Demand): void {
    const now = this.#clock.now();
    // Nothing is kept for one that has none: jobs with places have no leases, however many keys they have.
    const held = this.#accounts
      .get(bucketId(bucket))
      ?.held.find(({ expiresAt, line }) => expiresAt > now && line === undefined);
    if (held !== undefined) held.units += units;
  }

  /** Gives everything back, for a stop. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const account of this.#accounts.values()) {
      for (const held of account.held) this.#giveBack(held);
      account.held = [];
    }
  }

  #accountOf(bucket: Bucket): Account {
    let account = this.#known.get(bucket);
    if (account !== undefined && !account.isOver) return account;
    const id = bucketId(bucket);
    account = this.#accounts.get(id);
    if (account === undefined) {
      account = {
        held: [],
        used: 0,
        since: Number.NEGATIVE_INFINITY,
        before: 0,
        restsUntil: 0,
        isOver: false,
      };
      this.#accounts.set(id, account);
    }
    this.#known.set(bucket, account);
    return account;
  }

  #take(account: Account, held: Held, { bucket, units }: Demand, now: number): void {
    held.units -= units;
    count(account, units, now);
    if (held.isLow || (held.units > held.low && now < held.lowAt)) return;
    held.isLow = true;
    const ahead = wantedOf(bucket, account, now) - held.units;
    if (ahead >= LEAST_AHEAD) this.#input.onLow(bucket, ahead);
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
    for (const [id, account] of this.#accounts) {
      const left = account.held.filter((held) => held.expiresAt > now);
      if (left.length < account.held.length) {
        for (const held of account.held) {
          if (held.expiresAt > now) continue;
          if (held.line !== undefined && held.units > held.low / 2)
            account.restsUntil = now + REST_MS;
          this.#giveBack(held);
        }
        account.held = left;
      }
      if (left.length > 0 || now - account.since <= 2 * USAGE_MS || now < account.restsUntil)
        continue;
      account.isOver = true;
      this.#accounts.delete(id);
    }
    if (this.#accounts.size > 0) this.#sweepLater();
  }
}

function find({ held }: Account, id: string, { bucket, units }: Demand, now: number) {
  for (const each of held) {
    if (each.units < units || each.expiresAt <= now) continue;
    if (each.bucket !== bucket && !sameRule(each.bucket, bucket)) continue;
    if (each.line === undefined || each.line.has(id)) return each;
  }
  return undefined;
}

/** Use is counted by spans of time; of the one before it is remembered how much it was. */
function count(account: Account, units: number, now: number): void {
  const forMs = now - account.since;
  if (forMs <= USAGE_MS) {
    account.used += units;
    return;
  }
  account.before = forMs <= 2 * USAGE_MS ? account.used : 0;
  account.used = units;
  account.since = now;
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
function wantedOf(
  { rule }: Bucket,
  { used, since, before, restsUntil }: Account,
  now: number,
): number {
  // What is leased and not used is out of the burst until it comes back: of a short one too much would be.
  if (rule.kind !== "rate" || rule.burst * rule.unitMs < LEAST_BURST_MS || now < restsUntil)
    return 0;
  const forMs = now - since;
  if (forMs < LEAST_USAGE_MS && used < LEAST_AHEAD) return before;
  // What is leased at the beginning of a burst is in proportion to the burst.
  const grown = Math.max(GROWTH * Math.max(used, before), Math.floor(rule.burst * SMALL_SHARE));
  const atThisPace = Math.ceil((used / Math.max(forMs, LEAST_USAGE_MS)) * USAGE_MS);
  return Math.min(MOST_UNITS, grown, atThisPace);
}
