import type { Query } from "@oppulence/worker-core";
import type { DeadLetterRow } from "./dead-letter.ts";
import type { DlqFilter } from "./filter.ts";
import { conditionsOf, pageOf } from "./postgres-filter.ts";
import { columns, tableOf } from "./postgres-table.ts";

/** A payload above this many bytes is left out of lists. */
const LISTED_PAYLOAD = 65_536;
const SOME_PAYLOADS = `case when payload_size <= ${LISTED_PAYLOAD} then payload::text end`;
const ALL_PAYLOADS = "payload::text";
const MAX_ID = "9223372036854775807";

/** An entry's id and the size of its payload: what chunks are cut by. */
export interface Sized {
  readonly id: string;
  readonly payload_size: number;
}

/** Where an operation on many ends: entries that come later are not part of it. */
export interface Ceiling {
  /** The highest id there is. */
  readonly id: string;
  /** The database's time. */
  readonly now: Date;
}

/** The dead letters' table: every statement but those that move, count and group. */
export class DlqStore {
  readonly #query: Query;
  readonly #table: string;
  readonly #maxRequeues: number;

  /**
   * @param schema - ours, escaped
   * @param maxRequeues - the option, for the state
   */
  constructor(query: Query, schema: string, maxRequeues: number) {
    this.#query = query;
    this.#table = tableOf(schema);
    this.#maxRequeues = maxRequeues;
  }

  /**
   * A page, newest first.
   *
   * @param before - only ids lower than this one
   */
  list(filter: DlqFilter, before = MAX_ID, limit: number): Promise<DeadLetterRow[]> {
    const place = { direction: "newest first", beyond: before } as const;
    const { conditions, order } = pageOf([filter], this.#maxRequeues, this.#table, place);
    const count = conditions.parameter(limit);
    return this.#query(
      `select ${columns(SOME_PAYLOADS)} from ${this.#table} ${conditions.where} order by ${order} limit ${count}::int`,
      conditions.values,
    );
  }

  /** Whole entries, by id. */
  read(ids: readonly string[], query: Query = this.#query): Promise<DeadLetterRow[]> {
    return query(
      `select ${columns(ALL_PAYLOADS)} from ${this.#table} where id = any($1::bigint[]) order by ${this.#table}.id`,
      [ids],
    );
  }

  /** Whole entries that nobody else acts on, locked until the transaction ends. */
  lock(ids: readonly string[], query: Query): Promise<DeadLetterRow[]> {
    return query(
      `select ${columns(ALL_PAYLOADS)} from ${this.#table} where id = any($1::bigint[])
order by ${this.#table}.id for update skip locked`,
      [ids],
    );
  }

  /** Deletes entries. @returns those that were there */
  remove(
    ids: readonly string[],
    query: Query = this.#query,
  ): Promise<{ id: string; job_id: string; task: string }[]> {
    return query(
      `delete from ${this.#table} where id = any($1::bigint[]) returning id::text as id, job_id::text as job_id, task`,
      [ids],
    );
  }

  async ceiling(): Promise<Ceiling> {
    const [row] = await this.#query<Ceiling>(
      `select coalesce((select max(id) from ${this.#table}), 0)::text as id, now() as now`,
    );
    return row as Ceiling;
  }

  async count(filters: readonly DlqFilter[], ceiling: string): Promise<number> {
    const conditions = conditionsOf(filters, this.#maxRequeues);
    conditions.add("id <= :value::bigint", ceiling);
    const [row] = await this.#query<{ count: number }>(
      `select count(*)::float8 as count from ${this.#table} ${conditions.where}`,
      conditions.values,
    );
    return row?.count ?? 0;
  }

  /** Ids and sizes, oldest first, after an id and up to the ceiling. */
  page(
    filters: readonly DlqFilter[],
    after: string,
    ceiling: string,
    limit: number,
  ): Promise<Sized[]> {
    const place = { direction: "oldest first", beyond: after } as const;
    const { conditions, order } = pageOf(filters, this.#maxRequeues, this.#table, place);
    conditions.add("id <= :value::bigint", ceiling);
    const count = conditions.parameter(limit);
    return this.#query(
      `select id::text as id, payload_size from ${this.#table} ${conditions.where} order by ${order} limit ${count}::int`,
      conditions.values,
    );
  }

  /** Identifiers of tasks that have entries: one probe of the index for each. */
  async tasks(): Promise<string[]> {
    const rows = await this.#query<{ task: string }>(
      `with recursive tasks as (
  (select task from ${this.#table} order by task limit 1)
  union all
  select (select dead.task from ${this.#table} as dead where dead.task > tasks.task order by dead.task limit 1)
  from tasks where tasks.task is not null
)
select task from tasks where task is not null`,
    );
    return rows.map(({ task }) => task);
  }

  /**
   * A task's oldest entries after an id, and whether each is past its time.
   *
   * @param ttlMs - undefined: none is
   */
  oldest(
    task: string,
    after: string,
    ttlMs: number | undefined,
    limit: number,
  ): Promise<(Sized & { readonly expired: boolean })[]> {
    // Between two bounds, not equal: see pageOf.
    return this.#query(
      `select id::text as id, payload_size, coalesce(dead_at < now() - $3::float8 * interval '1 millisecond', false) as expired
from ${this.#table} where task <= $1::text and (task, id) > ($1::text, $2::bigint)
order by ${this.#table}.task, ${this.#table}.id limit $4::int`,
      [task, after, ttlMs ?? null, limit],
    );
  }

  /** The newest of a task's entries that are too many; undefined when there are none. */
  async overCap(task: string, cap: number): Promise<string | undefined> {
    const [row] = await this.#query<{ id: string }>(
      `select id::text as id from ${this.#table} where task >= $1::text and task <= $1::text
order by ${this.#table}.task desc, ${this.#table}.id desc offset $2::int limit 1`,
      [task, cap],
    );
    return row?.id;
  }
}
