import type {
  AdmitAnswer,
  AdmitRequest,
  Bucket,
  Demand,
  Lease,
  Refund,
  Started,
  Turn,
} from "./store.ts";

/** A bucket as scripts read it: limiter, key, kind, milliseconds a unit or capacity, burst. */
export type Spec = readonly [string, string, "rate" | "places", number, number];

/** An answer of the script: its kind, then what goes with it. */
export type RawAnswer = readonly [AdmitAnswer["kind"], ...unknown[]];
type RawLease = readonly [
  demand: string,
  units: string,
  forMs: string,
  grantedAt: string,
  line: readonly (readonly [id: string, waitedMs: string])[] | null,
];

export function specOf({ limiter, key, rule }: Bucket): Spec {
  return rule.kind === "rate"
    ? [limiter, key, "rate", rule.unitMs, rule.burst]
    : [limiter, key, "places", rule.capacity, 0];
}

/** What the script `admit` reads: each bucket once, requests name it by its index (from 1, as Lua counts). */
export function admitInput(
  holder: string,
  leaseMs: number,
  requests: readonly AdmitRequest[],
  started: readonly Started[],
): object {
  const specs: Spec[] = [];
  const indexes = new Map<string, number>();
  const indexOf = (bucket: Bucket) => {
    const spec = specOf(bucket);
    const name = spec.join("\0");
    const known = indexes.get(name);
    if (known !== undefined) return known;
    indexes.set(name, specs.push(spec));
    return specs.length;
  };
  return {
    holder,
    leaseMs,
    requests: requests.map(({ id, isPeek, maxWaitMs, demands }) => [
      id,
      isPeek,
      Number.isFinite(maxWaitMs) ? Math.max(0, maxWaitMs) : null,
      rowsOf(demands, indexOf),
    ]),
    started: started.map(({ bucket, id }) => [bucket.limiter, bucket.key, id]),
    specs,
  };
}

/** Two demands of one bucket are checked as one: each by itself would fit where both do not. */
function rowsOf(
  demands: readonly Demand[],
  indexOf: (bucket: Bucket) => number,
): (readonly [spec: number, units: number, lease: number])[] {
  const rows: [number, number, number][] = [];
  for (const { bucket, units, lease } of demands) {
    const index = indexOf(bucket);
    const twin = rows.find(([spec, some]) => spec === index && some > 0);
    if (twin !== undefined) twin[1] += units;
    rows.push(twin === undefined ? [index, units, lease] : [index, 0, 0]);
  }
  return rows;
}

/** What the script `refund` reads. */
export function refundInput(refunds: readonly Refund[]): object {
  return {
    refunds: refunds.map(({ bucket, units, grantedAt }) => [specOf(bucket), units, grantedAt]),
  };
}

export function answerOf([kind, ...rest]: RawAnswer): AdmitAnswer {
  if (kind === "admitted") {
    const [waited, ...leases] = rest as [string, ...RawLease[]];
    return {
      kind,
      leases: leases.map(leaseOf),
      waitedMs: waited === "" ? undefined : Number(waited),
    };
  }
  const [demand, inMs] = rest as [string, string];
  return { kind, demand: Number(demand), inMs: inMs === "" ? undefined : Number(inMs) };
}

function leaseOf([demand, units, forMs, grantedAt, line]: RawLease): Lease {
  return {
    demand: Number(demand),
    units: Number(units),
    forMs: Number(forMs),
    grantedAt: Number(grantedAt),
    line: line?.map(([id, waitedMs]) => ({ id, waitedMs: Number(waitedMs) })),
  };
}

/** Turns from a flat list of ids and milliseconds. */
export function turnsOf(flat: readonly string[]): readonly Turn[] {
  return Array.from({ length: flat.length / 2 }, (_, index) => ({
    id: flat[2 * index] ?? "",
    inMs: Number(flat[2 * index + 1]),
  }));
}
