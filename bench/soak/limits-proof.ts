import { setTimeout as sleep } from "node:timers/promises";
import type { Query, Row } from "@oppulence/worker-core";
import { LEASE_MS, PLACES, RATES, RECOVERED_WITHIN_MS, TEND_MS } from "./limits-worker.ts";

/** A start, and when it was admitted: not before `low`, not after `high`, in seconds. */
export interface Start {
  readonly units: number;
  readonly low: number;
  readonly high: number;
}

/**
 * How many units more than `burst + rate × T` surely started within the fullest window of whatever length T: at most 0
 * where the limit was kept. A start is within a window if the whole span is in which it was admitted.
 */
export function excessOf(
  starts: readonly Start[],
  { perSecond, burst }: { readonly perSecond: number; readonly burst: number },
): number {
  const byEnd = [...starts].sort((a, b) => a.high - b.high);
  let most = Number.NEGATIVE_INFINITY;
  for (const { low: from } of starts) {
    let units = 0;
    for (const start of byEnd) {
      if (start.low < from) continue;
      units += start.units;
      most = Math.max(most, units - burst - perSecond * (start.high - from));
    }
  }
  return most;
}

/**
 * What GCRA makes of the starts as they were recorded: what was left of the burst after each. Of a backlog, from two
 * seconds after its first start to one before its last, and without what was made up for: units that were left at the
 * beginning and used later.
 */
const ACHIEVED = `with counted as (
  select low, total, max(low - (total - units) / $1::float8) over (order by low, total) as base from (
    select extract(epoch from low)::float8 as low, units, sum(units) over (order by low, ctid) as total
    from starts where task = 'steady'
  ) as starts
), left_over as (
  select low, total, greatest(0, $2::float8 - (base + total / $1::float8 - low) * $1::float8) as spare from counted
), first as (
  select * from left_over where low >= (select min(low) + 2 from counted) order by low limit 1
), last as (
  select * from left_over where low <= (select max(low) - 1 from counted) order by low desc limit 1
)
select (last.total - first.total - greatest(0, first.spare - last.spare)) / (last.low - first.low) / $1::float8 as share,
  last.low - first.low as seconds from first, last`;

/** Runs with a place; one of a killed process until it was killed. */
const SPANS = `select runs.id, started_at, coalesce(ended_at, kills.at) as ended_at
from runs left join kills on kills.pid = runs.pid`;
const MOST_AT_ONCE = `select max((select count(*) from (${SPANS}) as other
  where other.started_at <= one.started_at and (other.ended_at is null or other.ended_at > one.started_at)
))::int as most, (select count(*) from runs)::int as runs from runs as one`;

/**
 * For each kill that left places taken: until as many ran as may, less those that others left taken within the time
 * that they are given. Null where that never was.
 */
const FREED = `with spans as materialized (${SPANS}), dead as (
  select kills.pid, kills.at, count(*) as taken
  from kills join runs on runs.pid = kills.pid and runs.ended_at is null group by kills.pid, kills.at
), at_once as materialized (
  select one.started_at as at, (select count(*) from spans as other
    where other.started_at <= one.started_at and (other.ended_at is null or other.ended_at > one.started_at)) as running
  from runs as one
)
select (extract(epoch from (
  select min(at_once.at) from at_once
  where at_once.at > dead.at and $1::int <= running + (select coalesce(sum(other.taken), 0) from dead as other
    where other.pid <> dead.pid and at_once.at between other.at and other.at + $2::float8 * interval '1 millisecond')
) - dead.at) * 1000)::float8 as ms
from dead`;

export interface Proof {
  readonly figures: Readonly<Record<string, number | string>>;
  readonly violations: readonly string[];
}

/** Proves that no window held more than it may. */
export async function proveWindow(query: Query, task: keyof typeof RATES): Promise<Proof> {
  const starts = await query<Start & Row>(
    "select units, extract(epoch from low)::float8 as low, extract(epoch from high)::float8 as high from starts where task = $1",
    [task],
  );
  const excess = excessOf(starts, RATES[task]);
  const spans = starts.map(({ low, high }) => (high - low) * 1_000).sort((x, y) => x - y);
  return {
    figures: {
      [`${task}: starts`]: starts.length,
      [`${task}: units over burst + rate × T in the fullest window`]: round(excess),
      [`${task}: an admission is known to within, median, ms`]: round(
        spans[Math.floor(spans.length / 2)] ?? 0,
      ),
    },
    // Of a microsecond, which is what the database's clock tells apart.
    violations:
      starts.length > 0 && excess <= 1e-3
        ? []
        : [`a window of ${task} held ${excess} units more than it may, of ${starts.length} starts`],
  };
}

/** Proves that a backlog is worked off as fast as its limit allows. */
export async function proveRate(query: Query, atLeast: number): Promise<Proof> {
  const [row] = await query<{ share: string; seconds: string }>(ACHIEVED, [
    RATES.steady.perSecond,
    RATES.steady.burst,
  ]);
  const share = Number(row?.share);
  return {
    figures: {
      "steady: rate achieved, share of the limit": round(share),
      "steady: over, s": round(Number(row?.seconds)),
    },
    violations: share >= atLeast ? [] : [`${share} of the rate was achieved, not ${atLeast}`],
  };
}

/** How long places have been held beyond their lease, at most, at this moment. */
const OVERDUE =
  "select coalesce(max(oppulence_worker.ratelimit_now() - expires_at), 0)::float8 / 1000 as ms from oppulence_worker.ratelimit_places";

/** Looks at places in PostgreSQL until it is told to stop. */
export async function watchPlaces(query: Query, signal: AbortSignal): Promise<number> {
  let longest = 0;
  while (!signal.aborted) {
    const [row] = await query<{ ms: number }>(OVERDUE);
    longest = Math.max(longest, row?.ms ?? 0);
    await sleep(50);
  }
  return longest;
}

/**
 * Proves that never more ran than there are places, and that dead processes' places come free and are used.
 *
 * @param overdueMs - what {@link watchPlaces} saw; undefined where nobody looked
 * @param slackMs - beyond the lease and a look at it
 */
export async function provePlaces(
  query: Query,
  overdueMs: number | undefined,
  slackMs: number,
): Promise<Proof> {
  const [row] = await query<{ most: number; runs: number }>(MOST_AT_ONCE);
  const { most = 0, runs = 0 } = row ?? {};
  const freeWithin = 4 * TEND_MS + slackMs;
  // Whose place it is next may be a job that another dead process had claimed.
  const within = LEASE_MS + freeWithin + RECOVERED_WITHIN_MS;
  const freed = (await query<{ ms: number | null }>(FREED, [PLACES, within])).map(
    ({ ms }) => ms ?? Number.POSITIVE_INFINITY,
  );
  const longest = Math.max(0, ...freed);
  return {
    figures: {
      "places: runs": runs,
      "places: most at once": most,
      "places: kills that left some taken": freed.length,
      "places: until all were in use again, longest, ms": Math.round(longest),
      ...(overdueMs !== undefined && {
        "places: held beyond the lease, longest, ms": Math.round(overdueMs),
      }),
    },
    violations: [
      ...(most <= PLACES && runs > 0 ? [] : [`${most} ran at once, of ${PLACES}`]),
      ...(longest <= within ? [] : [`places were in use after ${longest} ms, not ${within}`]),
      ...((overdueMs ?? 0) <= freeWithin
        ? []
        : [`a place was held for ${overdueMs} ms beyond its lease, not ${freeWithin}`]),
    ],
  };
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
