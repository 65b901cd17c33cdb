import type { Query } from "@oppulence/worker-core";
import { HeldPlaces } from "./held-places.ts";
import { type ChannelHost, openChannel } from "./postgres-channel.ts";
import { StoreConnection } from "./postgres-connection.ts";
import { readLine, readOverrides, readStates } from "./postgres-read.ts";
import {
  type AdmitRow,
  admittedOf,
  admitValues,
  bucketValues,
  turnsNow,
  unitOf,
} from "./postgres-request.ts";
import type {
  AdmitRequest,
  Admitted,
  Bucket,
  BucketState,
  LineEntry,
  Override,
  PlaceInLine,
  RateLimitStore,
  Refund,
  Started,
  StoreInput,
  Turn,
} from "./store.ts";

/**
 * Keeps limits in PostgreSQL: one function of the migration, hence one round trip, an operation. A bucket changes under
 * the lock of its row. Time is the server's; a unit's time is rounded up to a sixteenth of a microsecond: rates above 16
 * million a second are that.
 */
export function postgresStore(input: StoreInput): RateLimitStore {
  return new PostgresStore(input);
}

/** What was wanted, as functions with a table for a result answer it. */
interface TurnRow {
  readonly id: string;
  readonly in_ms: number;
}

const RESET_PAGE = 1_000;

class PostgresStore implements RateLimitStore {
  readonly #query: Query;
  readonly #connection: StoreConnection;
  readonly #schema: string;
  readonly #channel: ChannelHost;
  readonly #leaseMs: number;
  readonly #held = new HeldPlaces();

  constructor({ query, schema, pool, logger, leaseMs }: StoreInput) {
    this.#query = query;
    this.#connection = new StoreConnection(pool, query);
    this.#schema = schema;
    this.#channel = { pool, logger };
    this.#leaseMs = leaseMs;
  }

  async admit(
    holder: string,
    requests: readonly AdmitRequest[],
    started: readonly Started[],
  ): Promise<Admitted> {
    const values = [holder, this.#leaseMs * 1_000, ...admitValues(requests, started)];
    const [row] = await this.#connection.query<AdmitRow>(
      `select answers, turns from ${this.#schema}.ratelimit_admit($1::text, $2::float8, $3::text[], $4::text[], $5::text[],
  $6::float8[], $7::float8[], $8::text[], $9::boolean[], $10::float8[], $11::int[], $12::text[], $13::int[],
  $14::float8[], $15::float8[], $16::int[], $17::text[])`,
      values,
    );
    if (row === undefined) throw new Error("ratelimit_admit answered nothing");
    const admitted = admittedOf(row);
    this.#held.add(holder, requests, admitted);
    return admitted;
  }

  release(holder: string, ids: readonly string[]): Promise<readonly Turn[]> {
    this.#held.delete(holder, ids);
    return this.#promised("ratelimit_release($1::text, $2::text[])", [holder, ids]);
  }

  async refund(refunds: readonly Refund[]): Promise<void> {
    const rates = refunds.flatMap(({ bucket, units, grantedAt }) =>
      bucket.rule.kind === "rate" ? [{ bucket, units, grantedAt, unit: bucket.rule.unitMs }] : [],
    );
    // Nobody waits for it to be on disk: units whose refund is lost in a crash of the server count as used.
    await this.#connection.query(
      `select set_config('synchronous_commit', 'off', true), ${this.#schema}.ratelimit_refund($1::text[], $2::text[], $3::float8[], $4::float8[], $5::float8[])`,
      [
        rates.map(({ bucket }) => bucket.limiter),
        rates.map(({ bucket }) => bucket.key),
        rates.map(({ unit }) => unitOf(unit)),
        rates.map(({ units }) => units),
        rates.map(({ grantedAt }) => grantedAt),
      ],
    );
  }

  lineUp(bucket: Bucket, entries: readonly LineEntry[]): Promise<readonly Turn[]> {
    return this.#turns(
      "ratelimit_line_up($1::text, $2::text, $3::text, $4::float8, $5::float8, $6::text[], $7::float8[])",
      [...bucketValues(bucket), entries.map(({ id }) => id), entries.map(({ units }) => units)],
    );
  }

  leave(ids: readonly string[]): Promise<readonly Turn[]> {
    return this.#promised("ratelimit_leave($1::text[])", [ids]);
  }

  tend(bucket: Bucket): Promise<readonly Turn[]> {
    return this.#turns(
      "ratelimit_tend($1::text, $2::text, $3::text, $4::float8, $5::float8)",
      bucketValues(bucket),
    );
  }

  async renew(holder: string): Promise<readonly string[]> {
    const held = this.#held.of(holder);
    if (held.size === 0) return [];
    const [row] = await this.#query<{ lost: readonly string[] }>(
      `select ${this.#schema}.ratelimit_renew($1::text, $2::float8, $3::text[], $4::int[]) as lost`,
      [holder, this.#leaseMs * 1_000, [...held.keys()], [...held.values()]],
    );
    // Those that were given back meanwhile are not lost.
    const lost = (row?.lost ?? []).filter((id) => this.#held.has(holder, id));
    this.#held.delete(holder, lost);
    return lost;
  }

  busy(
    limiters: readonly string[],
    limit: number,
  ): Promise<readonly { readonly limiter: string; readonly key: string }[]> {
    return this.#query(
      `select limiter, key from ${this.#schema}.ratelimit_busy($1::text[], $2::int)`,
      [limiters, limit],
    );
  }

  async lead(holder: string, what: string, forMs: number): Promise<boolean> {
    const now = `${this.#schema}.ratelimit_now()`;
    const rows = await this.#query(
      `insert into ${this.#schema}.ratelimit_leads as leads (what, holder, until)
values ($1::text, $2::text, ${now} + $3::float8 * 1000)
on conflict (what) do update set holder = excluded.holder, until = excluded.until
where leads.holder = excluded.holder or leads.until <= ${now}
returning what`,
      [what, holder, forMs],
    );
    return rows.length > 0;
  }

  states(limiter: string | undefined, limit: number): Promise<readonly BucketState[]> {
    return readStates(this.#query, this.#schema, limiter, limit);
  }

  inLine(id: string): Promise<readonly PlaceInLine[]> {
    return readLine(this.#query, this.#schema, id);
  }

  overrides(): Promise<readonly Override[]> {
    return readOverrides(this.#query, this.#schema);
  }

  async setOverride({
    limiter,
    key,
    limits,
    actor,
    reason,
  }: Omit<Override, "setAt">): Promise<void> {
    await this.#override([limiter, key, JSON.stringify(limits), actor, reason]);
  }

  deleteOverride(
    limiter: string,
    key: string | null,
    { actor, reason }: Pick<Override, "actor" | "reason">,
  ): Promise<boolean> {
    return this.#override([limiter, key, null, actor, reason]);
  }

  /** A page of keys a round trip: no statement holds others up for long. */
  async reset(limiter: string, key: string | undefined): Promise<number> {
    let total = 0;
    let after: string | null = null;
    for (;;) {
      const rows: { done: number; last: string | null }[] = await this.#query(
        `select done, last from ${this.#schema}.ratelimit_reset($1::text, $2::text, $3::text, $4::int)`,
        [limiter, key ?? null, after, RESET_PAGE],
      );
      total += rows[0]?.done ?? 0;
      after = rows[0]?.last ?? null;
      if (after === null) return total;
    }
  }

  async sweep(limit: number): Promise<number> {
    const [row] = await this.#query<{ done: number }>(
      `select ${this.#schema}.ratelimit_sweep($1::int) as done`,
      [limit],
    );
    return row?.done ?? 0;
  }

  async listen(on: {
    readonly overrides: () => void;
    readonly turns: (ids: readonly string[]) => void;
  }): Promise<() => Promise<void>> {
    const channel = openChannel(this.#channel, this.#schema, on);
    await channel.start();
    return () => channel.stop();
  }

  stop(): Promise<void> {
    return this.#connection.end();
  }

  async #override(values: readonly unknown[]): Promise<boolean> {
    const [row] = await this.#query<{ had: boolean }>(
      `select ${this.#schema}.ratelimit_override($1::text, $2::text, $3::json, $4::text, $5::text) as had`,
      values,
    );
    return row?.had ?? false;
  }

  async #promised(call: string, values: readonly unknown[]): Promise<readonly Turn[]> {
    const [row] = await this.#connection.query<{ ids: readonly string[] }>(
      `select ${this.#schema}.${call} as ids`,
      values,
    );
    return turnsNow(row?.ids ?? []);
  }

  async #turns(call: string, values: readonly unknown[]): Promise<readonly Turn[]> {
    const rows = await this.#query<TurnRow>(
      `select id, in_ms from ${this.#schema}.${call}`,
      values,
    );
    return rows.map(({ id, in_ms: inMs }) => ({ id, inMs }));
  }
}
