import type { PluginHost, Query } from "@oppulence/worker-core";

/** A rate: so many units a period, by the generic cell rate algorithm. */
export interface RateRule {
  readonly kind: "rate";
  /** Milliseconds that one unit takes: the period divided by the limit. */
  readonly unitMs: number;
  /** Units that may start at once after a pause. */
  readonly burst: number;
}

/** A number of places: so many jobs at once, in all processes together. */
export interface PlacesRule {
  readonly kind: "places";
  readonly capacity: number;
}

/** One rule of a limiter for one key: what a bucket counts. */
export interface Bucket {
  /** The limiter's name, followed by the rule's where it has several: `stripe`, `stripe#2`. */
  readonly limiter: string;
  /** `""` for a limiter without keys. */
  readonly key: string;
  readonly rule: RateRule | PlacesRule;
}

/** What a job asks of one bucket. */
export interface Demand {
  readonly bucket: Bucket;
  /** Units of a rate, 0 where only a lease is asked for; 1 for places. */
  readonly units: number;
  /** Units that this process would use beside these before the lease ends; 0 for none. Granted last, once a bucket. */
  readonly lease: number;
}

/** One job that wants to run, or one caller outside jobs. */
export interface AdmitRequest {
  /** The job's id, or a caller's own (`call:…`). */
  readonly id: string;
  /** Places first, in the order of {@link inOrder}; then rates. */
  readonly demands: readonly Demand[];
  /** Takes what is there, or waits nowhere: for `onLimit` other than `defer`, and for a dry run. */
  readonly isPeek: boolean;
  /** Waits at most this long; a request that would wait longer waits nowhere and is told so. */
  readonly maxWaitMs: number;
}

/** What a store says to one request. */
export type AdmitAnswer =
  | {
      readonly kind: "admitted";
      /** Units beside those asked for, by the index of the demand. */
      readonly leases: readonly Lease[];
      /** How long it was in line; undefined when it was in none. */
      readonly waitedMs?: number | undefined;
    }
  | {
      readonly kind: "waiting";
      /** Index of the demand that it waits for. */
      readonly demand: number;
      /** When it is its turn, from now by the store's clock; undefined for a place, which nobody can foresee. */
      readonly inMs: number | undefined;
    }
  | {
      /** Over the limit, and it waits nowhere: a peek, or longer than it would wait. */
      readonly kind: "refused";
      readonly demand: number;
      readonly inMs: number | undefined;
    };

/** What {@link RateLimitStore.admit} says. */
export interface Admitted {
  /** One a request, in their order. */
  readonly answers: readonly AdmitAnswer[];
  /** Those who got places that others gave up on the way: their turn is now. */
  readonly turns: readonly Turn[];
}

/**
 * Units that a process may start without asking, until they expire.
 *
 * They are charged as if used at the last moment they may be (`max(tat, now + forMs) + units × unitMs`), so a
 * window is never exceeded whenever they are used.
 */
export interface Lease {
  readonly demand: number;
  readonly units: number;
  /** From the moment the request was sent. */
  readonly forMs: number;
  /** For giving units back: where the bucket stood then. A store's own measure, to be handed back as it is. */
  readonly grantedAt: number;
  /** Those first in line whose turn comes before the lease ends: only they may use it; undefined when nobody waits. */
  readonly line: readonly Waiting[] | undefined;
}

/** One in a line. */
export interface Waiting {
  readonly id: string;
  readonly waitedMs: number;
}

/** Units of a lease that were not used. */
export interface Refund {
  readonly bucket: Bucket;
  readonly units: number;
  readonly grantedAt: number;
}

/** A job whose turn has moved: its row in the queue has to follow. */
export interface Turn {
  readonly id: string;
  /** From now; 0 for now. */
  readonly inMs: number;
}

/** How full a bucket is. */
export interface BucketState {
  readonly limiter: string;
  readonly key: string;
  /** Share of the burst, or of the places, that is in use: from 0 to 1. */
  readonly utilization: number;
  /** Places in use; undefined for a rate. */
  readonly running: number | undefined;
  /** Jobs in line. */
  readonly waiting: number;
}

/** Where a job stands in line. */
export interface PlaceInLine {
  readonly limiter: string;
  readonly key: string;
  /** How many are before it. */
  readonly before: number;
  readonly since: Date;
  /** Undefined for a place. */
  readonly turnAt: Date | undefined;
}

/** A limit that was set at run time. */
export interface Override {
  readonly limiter: string;
  /** Null for every key. */
  readonly key: string | null;
  /** The limits as given, validated by the options' schema. */
  readonly limits: unknown;
  readonly actor: string | null;
  readonly reason: string | null;
  readonly setAt: Date;
}

/**
 * What processes share about limits. Every method is one round trip. Time is the store's.
 *
 * A bucket of a rate has a `tat` (theoretical arrival time) and a line; a bucket of places has places and a
 * line. A request that finds a line goes to its end, also when there is room: nobody overtakes.
 */
export interface RateLimitStore {
  /**
   * Admits requests in their order. `started` are those in line who used a lease: they leave it.
   *
   * @param holder - this process; its places expire `leaseMs` after they were last renewed
   */
  admit(
    holder: string,
    requests: readonly AdmitRequest[],
    started: readonly Started[],
  ): Promise<Admitted>;
  /** Gives places back, and says who they go to: their turn is now. Units of rates stay spent. */
  release(holder: string, ids: readonly string[]): Promise<readonly Turn[]>;
  refund(refunds: readonly Refund[]): Promise<void>;
  /** Appends jobs to the line of a rate's bucket, in order; those that are in it already keep their turn. */
  lineUp(bucket: Bucket, entries: readonly LineEntry[]): Promise<readonly Turn[]>;
  /** Leaves every line and gives promised places back; returns who they go to. */
  leave(ids: readonly string[]): Promise<readonly Turn[]>;
  /**
   * Looks after a bucket: turns of those first in line are computed anew from what the bucket has left, so that a
   * changed limit and lost units reach them; places of dead holders and promises that nobody took go on.
   *
   * @returns turns that differ from what was told before, or that were due and nobody came
   */
  tend(bucket: Bucket): Promise<readonly Turn[]>;
  /** Extends a process' places. @returns ids whose place was lost */
  renew(holder: string): Promise<readonly string[]>;
  /**
   * Buckets with a line, an expired place or a promise that nobody took: those that were tended longest ago, a page.
   *
   * @param limiters - names of buckets
   */
  busy(
    limiters: readonly string[],
    limit: number,
  ): Promise<readonly { readonly limiter: string; readonly key: string }[]>;
  /** Whether this process leads `what` for so long: for work that one process is enough for. */
  lead(holder: string, what: string, forMs: number): Promise<boolean>;
  states(limiter: string | undefined, limit: number): Promise<readonly BucketState[]>;
  inLine(id: string): Promise<readonly PlaceInLine[]>;
  overrides(): Promise<readonly Override[]>;
  setOverride(override: Omit<Override, "setAt">): Promise<void>;
  /** @returns whether there was one */
  deleteOverride(
    limiter: string,
    key: string | null,
    byHand: Pick<Override, "actor" | "reason">,
  ): Promise<boolean>;
  /** Forgets what buckets have counted; lines stay. @returns how many */
  reset(limiter: string, key: string | undefined): Promise<number>;
  /** Deletes buckets that nobody uses, a page. @returns how many */
  sweep(limit: number): Promise<number>;
  /** Calls back when an override was set somewhere, and when a caller's turn has come. */
  listen(on: {
    readonly overrides: () => void;
    readonly turns: (ids: readonly string[]) => void;
  }): Promise<() => Promise<void>>;
  /** Ends connections of its own. */
  stop?(): Promise<void>;
}

/** What a store is made with. */
export interface StoreInput {
  readonly query: Query;
  readonly pool: PluginHost["pool"];
  readonly logger: PluginHost["logger"];
  /** Our schema's name, escaped; keeps installations in one database, or one Redis, apart. */
  readonly schema: string;
  /** How long a place is held after it was last renewed. */
  readonly leaseMs: number;
  /** How long an answer is waited for. */
  readonly timeoutMs: number;
}

/** Makes a store: what the option `store` takes. Nothing is connected yet. */
export type StoreFactory = (input: StoreInput) => RateLimitStore;

/** One of those in line that used a lease. */
export interface Started {
  readonly bucket: Bucket;
  readonly id: string;
}

/** One job at the end of a line. */
export interface LineEntry {
  readonly id: string;
  readonly units: number;
}

/**
 * The order in which places are taken, the same for everybody: who waits for one keeps those before it, and
 * nobody does it the other way round, so that nobody waits in a circle. Narrowest first.
 */
export function inOrder(a: Demand, b: Demand): number {
  const rank = ({ bucket: { rule } }: Demand) =>
    rule.kind === "places" ? rule.capacity : Number.POSITIVE_INFINITY;
  return (
    compare(rank(a), rank(b)) ||
    compare(a.bucket.limiter, b.bucket.limiter) ||
    compare(a.bucket.key, b.bucket.key)
  );
}

function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
