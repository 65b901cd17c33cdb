import { bucketId } from "./bucket-id.ts";
import type { AdmitAnswer, AdmitRequest, Admitted, Bucket, Lease, Started, Turn } from "./store.ts";

/** Parameters of a bucket: limiter, key, kind, microseconds a unit or places, burst. */
export function bucketValues({ limiter, key, rule }: Bucket): readonly (string | number)[] {
  return rule.kind === "rate"
    ? [limiter, key, rule.kind, unitOf(rule.unitMs), rule.burst]
    : [limiter, key, rule.kind, rule.capacity, 0];
}

/**
 * A unit's time as a whole number of sixteenths of a microsecond, rounded up; less by what a double is off, so that a
 * whole number of them stays one. Sums are exact so.
 */
export function unitOf(unitMs: number): number {
  return Math.max(1, Math.ceil(unitMs * 16_000 * (1 - 1e-12))) / 16;
}

/** Each bucket once: demands name it by its index, from 1. Of two rules in one batch the later counts, for all. */
class Buckets {
  readonly #indexes = new Map<string, number>();
  readonly #list: Bucket[] = [];

  indexOf(bucket: Bucket): number {
    const id = bucketId(bucket);
    const index = this.#indexes.get(id) ?? this.#list.length + 1;
    this.#indexes.set(id, index);
    this.#list[index - 1] = bucket;
    return index;
  }

  /** One array a column. */
  get values(): readonly unknown[] {
    const rows = this.#list.map(bucketValues);
    return [0, 1, 2, 3, 4].map((column) => rows.map((row) => row[column]));
  }
}

/** Demands of all requests, one array a column. */
class Demands {
  readonly of: string[] = [];
  readonly bucket: number[] = [];
  readonly units: number[] = [];
  readonly extra: number[] = [];

  /**
   * Two demands of one bucket are checked as one: each by itself would fit where both do not.
   *
   * @returns how many there are now
   */
  add({ id, demands }: AdmitRequest, buckets: Buckets): number {
    const from = this.of.length;
    for (const { bucket, units, lease } of demands) {
      const index = buckets.indexOf(bucket);
      const twin = this.bucket.indexOf(index, from);
      if (twin >= 0) this.units[twin] = (this.units[twin] ?? 0) + units;
      this.of.push(id);
      this.bucket.push(index);
      this.units.push(twin < 0 ? units : 0);
      this.extra.push(twin < 0 ? lease : 0);
    }
    return this.of.length;
  }
}

/** Parameters of `ratelimit_admit`, after the holder and its lease. */
export function admitValues(
  requests: readonly AdmitRequest[],
  started: readonly Started[],
): readonly unknown[] {
  const buckets = new Buckets();
  const demands = new Demands();
  // Where each request's demands begin, and where the last one's end.
  const first = [1];
  for (const request of requests) first.push(demands.add(request, buckets) + 1);
  const startedIn = started.map(({ bucket }) => buckets.indexOf(bucket));
  return [
    ...buckets.values,
    requests.map(({ id }) => id),
    requests.map(({ isPeek }) => isPeek),
    requests.map(({ maxWaitMs }) =>
      Number.isFinite(maxWaitMs) ? Math.max(0, maxWaitMs * 1_000) : null,
    ),
    first,
    demands.of,
    demands.bucket,
    demands.units,
    demands.extra,
    startedIn,
    started.map(({ id }) => id),
  ];
}

/**
 * Row of `ratelimit_admit`; the answers are JSON: kinds, demands, milliseconds until the turn or that were waited, and
 * leases of all requests.
 */
export interface AdmitRow {
  readonly answers: string;
  readonly turns: readonly string[];
}

type RawLease = readonly [
  request: number,
  demand: number,
  units: number,
  forMs: number,
  grantedAt: number,
  line: readonly (readonly [id: string, waitedMs: number])[] | null,
];
type RawAnswers = readonly [
  readonly AdmitAnswer["kind"][],
  readonly (number | null)[],
  readonly (number | null)[],
  readonly RawLease[],
];

export function admittedOf({ answers, turns }: AdmitRow): Admitted {
  const [kinds, demands, waits, raw] = JSON.parse(answers) as RawAnswers;
  const leases = new Map<number, Lease[]>();
  for (const [request, demand, units, forMs, grantedAt, line] of raw) {
    const waiting = line?.map(([id, waitedMs]) => ({ id, waitedMs }));
    const lease = { demand, units, forMs, grantedAt, line: waiting };
    const those = leases.get(request);
    if (those === undefined) leases.set(request, [lease]);
    else those.push(lease);
  }
  return {
    answers: kinds.map((kind, index) =>
      kind === "admitted"
        ? { kind, leases: leases.get(index) ?? [], waitedMs: waits[index] ?? undefined }
        : { kind, demand: demands[index] ?? 0, inMs: waits[index] ?? undefined },
    ),
    turns: turnsNow(turns),
  };
}

/** Turns of those who got a place. */
export function turnsNow(ids: readonly string[]): readonly Turn[] {
  return ids.map((id) => ({ id, inMs: 0 }));
}

/** Milliseconds of the epoch that times in the tables begin at. */
const ZERO_MS = Date.UTC(2026, 0, 1);

export function dateOf(microseconds: number): Date {
  return new Date(ZERO_MS + microseconds / 1_000);
}
