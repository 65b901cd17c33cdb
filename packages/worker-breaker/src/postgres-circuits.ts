import type { Query } from "@oppulence/worker-core";
import type { CircuitRecord } from "./record.ts";
import type { Change, Leadership, Snapshot } from "./store.ts";
import type { Transition } from "./transition.ts";

const NOW = "(extract(epoch from clock_timestamp()) * 1000)::float8";

interface LockedRow {
  readonly record: CircuitRecord;
  readonly now: number;
}

/** The tables `breaker_circuits` and `breaker_transitions`: one statement a method. */
export class CircuitTables {
  readonly #schema: string;

  constructor(schema: string) {
    this.#schema = schema;
  }

  /** Reads circuits, without a lock. */
  async read(query: Query, dependencies: readonly string[]): Promise<Snapshot> {
    const rows = await query<{ dependency: string | null; record: CircuitRecord; now: number }>(
      `select circuits.dependency, circuits.record, ${NOW} as now
from (select 1) as one
left join ${this.#schema}.breaker_circuits as circuits on circuits.dependency = any($1::text[])`,
      [dependencies],
    );
    const records = new Map<string, CircuitRecord>();
    for (const { dependency, record } of rows)
      if (dependency !== null) records.set(dependency, record);
    return { now: rows[0]?.now ?? Date.now(), records };
  }

  /** Reads a circuit and locks its row until the end of the transaction. */
  async lock(query: Query, dependency: string): Promise<LockedRow | undefined> {
    const [row] = await query<LockedRow>(
      `select record, ${NOW} as now from ${this.#schema}.breaker_circuits where dependency = $1 for update`,
      [dependency],
    );
    return row;
  }

  /**
   * Makes the row of a circuit that nothing has happened to, locked until the end of the transaction.
   *
   * @returns the store's clock; undefined when another process was faster
   */
  async create(
    query: Query,
    dependency: string,
    record: CircuitRecord,
  ): Promise<number | undefined> {
    const [row] = await query<{ now: number }>(
      `insert into ${this.#schema}.breaker_circuits (dependency, record) values ($1, $2::jsonb)
on conflict (dependency) do nothing returning ${NOW} as now`,
      [dependency, JSON.stringify(record)],
    );
    return row?.now;
  }

  /** Writes a locked circuit with its transitions, lets old ones go, and tells all processes once it commits. */
  async write(
    query: Query,
    dependency: string,
    { record, transitions, announce }: Change<unknown>,
    { channel, retentionMs }: { readonly channel: string; readonly retentionMs: number },
  ): Promise<void> {
    await query(
      `with changed as (
  update ${this.#schema}.breaker_circuits set record = coalesce($2::jsonb, record) where dependency = $1
), noted as (
  insert into ${this.#schema}.breaker_transitions
    (dependency, at, from_state, to_state, generation, reason, actor, last_error, next_probe)
  select $1, item.at, item.from, item.to, item.generation, item.reason, item.actor, item."lastError", item."nextProbe"
  from jsonb_to_recordset($3::jsonb) as item(at timestamptz, "from" text, "to" text, generation bigint, reason text,
    actor text, "lastError" text, "nextProbe" timestamptz)
), forgotten as (
  delete from ${this.#schema}.breaker_transitions
  where id = any(array(
    select id from ${this.#schema}.breaker_transitions
    where dependency = $1 and $3::jsonb <> '[]' and at < now() - $4::float8 * interval '1 millisecond'
    order by id limit 100
  ))
)
select case when $5::boolean then pg_notify($6, $7) end`,
      [
        dependency,
        record === undefined ? null : JSON.stringify(record),
        JSON.stringify(transitions),
        retentionMs,
        announce,
        channel,
        JSON.stringify([this.#schema, dependency]),
      ],
    );
  }

  /** Takes or prolongs the lead; tells how much longer somebody has it. */
  async lead(
    query: Query,
    dependency: string,
    owner: string,
    leaseMs: number,
  ): Promise<Leadership> {
    const [row] = await query<{ leads: boolean; left: number }>(
      `with led as (
  update ${this.#schema}.breaker_circuits
  set leader = $2, leader_until = clock_timestamp() + $3::float8 * interval '1 millisecond'
  where dependency = $1 and (leader is null or leader = $2 or leader_until < clock_timestamp())
  returning $3::float8 as left
)
select true as leads, led.left as left from led
union all
select false, (extract(epoch from leader_until - clock_timestamp()) * 1000)::float8
from ${this.#schema}.breaker_circuits where dependency = $1 and not exists (select from led)`,
      [dependency, owner, leaseMs],
    );
    return { leads: row?.leads ?? false, leftMs: Math.max(0, row?.left ?? 0) };
  }

  async resign(query: Query, dependency: string, owner: string): Promise<void> {
    await query(
      `update ${this.#schema}.breaker_circuits set leader = null, leader_until = null
where dependency = $1 and leader = $2`,
      [dependency, owner],
    );
  }

  async history(
    query: Query,
    dependency: string | undefined,
    limit: number,
  ): Promise<readonly Transition[]> {
    const rows = await query<Record<keyof Transition, never>>(
      `select dependency, at, from_state as "from", to_state as "to", generation::float8 as generation, reason, actor,
  last_error as "lastError", next_probe as "nextProbe"
from ${this.#schema}.breaker_transitions
where $1::text is null or dependency = $1
order by id desc limit $2`,
      [dependency ?? null, limit],
    );
    return rows.map(
      (row): Transition => ({
        dependency: row.dependency,
        at: row.at,
        from: row.from,
        to: row.to,
        generation: row.generation,
        reason: row.reason ?? undefined,
        actor: row.actor ?? undefined,
        lastError: row.lastError ?? undefined,
        nextProbe: row.nextProbe ?? undefined,
      }),
    );
  }
}
