import type { Query } from "@oppulence/worker-core";
import { dateOf } from "./postgres-request.ts";
import type { BucketState, Override, PlaceInLine } from "./store.ts";

interface StateRow {
  readonly limiter: string;
  readonly key: string;
  readonly kind: "rate" | "places";
  readonly share: number;
  readonly running: number;
  readonly waiting: number;
}

/** Buckets with a line or places in use first, then those that were used last. */
export async function readStates(
  query: Query,
  schema: string,
  limiter: string | undefined,
  limit: number,
): Promise<readonly BucketState[]> {
  // Held in the order of an index, so that many idle keys cost nothing.
  const [where, order] =
    limiter === undefined ? ["", ""] : ["where limiter || '' = $2::text", "limiter || '' desc, "];
  const rows = await query<StateRow>(
    `select limiter, key, kind, running::float8 as running, waiting,
  case when kind = 'places' then running / greatest(1, size)
    when size * burst > 0 then greatest(0, tat - now) / (size * burst) else 0 end as share
from (
  select b.*, held - (
    select count(*) from ${schema}.ratelimit_places as p where p.bucket + 0 = b.id and p.expires_at <= b.now
  ) as running
  from (
    select *, (select ${schema}.ratelimit_now()) as now from ${schema}.ratelimit_buckets
    ${where} order by ${order}idle_at desc limit $1::int
  ) as b
) as states`,
    limiter === undefined ? [limit] : [limit, limiter],
  );
  return rows.map(({ limiter: name, key, kind, share, running, waiting }) => ({
    limiter: name,
    key,
    utilization: Math.min(1, share),
    running: kind === "places" ? running : undefined,
    waiting,
  }));
}

interface LineRow {
  readonly limiter: string;
  readonly key: string;
  readonly kind: "rate" | "places";
  readonly since: number;
  readonly turn: number;
  readonly before: number;
}

/** Where one waits. Counts those before it: for a person who asks, not for programs. */
export async function readLine(
  query: Query,
  schema: string,
  id: string,
): Promise<readonly PlaceInLine[]> {
  const rows = await query<LineRow>(
    `select b.limiter, b.key, b.kind, l.since, l.turn, (
  select count(*)::float8 from ${schema}.ratelimit_line as o where o.bucket + 0 = l.bucket and o.seq < l.seq
) as before
from ${schema}.ratelimit_line as l join ${schema}.ratelimit_buckets as b on b.id = l.bucket
where l.id = $1::text order by b.limiter, b.key`,
    [id],
  );
  return rows.map(({ limiter, key, kind, since, turn, before }) => ({
    limiter,
    key,
    before,
    since: dateOf(since),
    turnAt: kind === "rate" ? dateOf(turn) : undefined,
  }));
}

/** All overrides, by limiter and key. */
export function readOverrides(query: Query, schema: string): Promise<readonly Override[]> {
  return query<Override & Record<string, unknown>>(
    `select limiter, key, limits, actor, reason, set_at as "setAt"
from ${schema}.ratelimit_overrides order by limiter, key nulls first`,
  );
}
