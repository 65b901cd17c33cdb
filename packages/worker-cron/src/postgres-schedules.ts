import type { Query } from "@oppulence/worker-core";
import type { OpenRun } from "./overlap.ts";
import type { Schedule, ScheduleSpec } from "./schedule.ts";

/** Milliseconds since the epoch, whatever type parsers the pool has. */
const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

const COLUMNS = `key, xmin::text as version, origin, cron, timezone, enabled, task, payload::text as payload, settings,
  correlation_id as "correlationId", ${ms("paused_at")} as "pausedAt", paused_reason as "pausedReason",
  ${ms("next_slot")} as "nextSlot", ${ms("last_slot")} as "lastSlot", runs::float8 as runs, failures`;

/** A row, and which version of it. */
export interface RowVersion {
  readonly key: string;
  /** The transaction that wrote it. */
  readonly version: string;
}

/** A schedule that is due, locked, with the database's time and, where its policy asks, its open runs. */
export interface ClaimedSchedule extends RowVersion, Pick<Schedule, "lastSlot" | "runs"> {
  readonly nextSlot: number;
  readonly now: number;
  readonly open: readonly OpenRun[] | null;
}

/** A schedule to be written. */
export interface WrittenSchedule extends ScheduleSpec {
  readonly nextSlot: number | null;
  /** Leave the slot that is due as it is. */
  readonly keepSlot: boolean;
}

/** What is left after a schedule has fired. */
export interface Advance {
  readonly key: string;
  readonly nextSlot: number | null;
  readonly lastSlot: number | null;
  readonly runs: number;
  readonly failures: number;
}

/** The table `cron_schedules`. */
export class ScheduleTable {
  readonly #schema: string;

  constructor(schema: string) {
    this.#schema = schema;
  }

  get #table(): string {
    return `${this.#schema}.cron_schedules`;
  }

  /** @param keys - all when undefined */
  async list(
    query: Query,
    keys?: readonly string[],
    limit?: number,
  ): Promise<(Schedule & RowVersion)[]> {
    return query<Schedule & RowVersion>(
      `select ${COLUMNS} from ${this.#table} where $1::text[] is null or key = any($1::text[]) order by key limit $2`,
      [keys ?? null, limit ?? null],
    );
  }

  /** Locks a schedule until the end of the transaction. */
  async lock(
    query: Query,
    key: string,
  ): Promise<(Schedule & { readonly now: number }) | undefined> {
    const rows = await query<Schedule & { now: number }>(
      `select ${COLUMNS}, ${ms("clock_timestamp()")} as now from ${this.#table} where key = $1 for update`,
      [key],
    );
    return rows[0];
  }

  /**
   * The next slot of any schedule, and how long it is until then; undefined when there is none.
   *
   * @param without - keys that are passed over
   */
  async peek(
    query: Query,
    without: readonly string[],
  ): Promise<{ readonly dueAt: number; readonly waitMs: number } | undefined> {
    const [row] = await query<{ dueAt: number | null; waitMs: number }>(
      `select ${ms("min(next_slot)")} as "dueAt", ${ms("(min(next_slot) - clock_timestamp())")} as "waitMs"
from ${this.#table} where enabled and paused_at is null and key <> all($1::text[])`,
      [without],
    );
    return row === undefined || row.dueAt === null ? undefined : { ...row, dueAt: row.dueAt };
  }

  /**
   * Locks what is due and nobody else has locked.
   *
   * @param aheadTo - an instant to come soon: what is due by then, too, where nothing has to be decided then
   */
  async claim(
    query: Query,
    limit: number,
    without: readonly string[],
    aheadTo?: number,
  ): Promise<ClaimedSchedule[]> {
    return query<ClaimedSchedule>(
      `select key, xmin::text as version, ${ms("next_slot")} as "nextSlot", ${ms("last_slot")} as "lastSlot",
  runs::float8 as runs,
  ${ms("greatest(clock_timestamp(), next_slot)")} as now,
  case when settings->>'overlap' <> 'allow' then (
    select coalesce(json_agg(json_build_object('jobId', events.job_id::text, 'status', events.status)
      order by events.scheduled_at), '[]')
    from ${this.#schema}.scheduled_job_events as events
    where events.job_key = schedules.key and events.status in ('scheduled', 'started')
  ) end as open
from ${this.#table} as schedules
-- now() and not clock_timestamp(): only what is stable can use the index.
where enabled and paused_at is null and key <> all($2::text[])
  and next_slot <= greatest(now(), least(to_timestamp($3::float8 / 1000), now() + interval '10 seconds'))
  and (next_slot <= now() or (settings->>'overlap' = 'allow' and not settings ?| '{builds,maxRuns}'))
order by next_slot limit $1 for update of schedules skip locked`,
      [limit, without, aheadTo ?? 0],
    );
  }

  /** What is due within a time, soonest first. */
  async soon(
    query: Query,
    withinMs: number,
    limit: number,
  ): Promise<(RowVersion & { readonly nextSlot: number })[]> {
    return query(
      `select key, xmin::text as version, ${ms("next_slot")} as "nextSlot" from ${this.#table}
where enabled and paused_at is null and next_slot <= now() + $1 * interval '1 millisecond'
order by next_slot limit $2`,
      [withinMs, limit],
    );
  }

  /** Moves schedules on to their next slots. */
  async advance(query: Query, rows: readonly Advance[]): Promise<RowVersion[]> {
    return query(
      `update ${this.#table} as schedules set next_slot = to_timestamp(new."nextSlot" / 1000),
  last_slot = coalesce(to_timestamp(new."lastSlot" / 1000), last_slot), runs = schedules.runs + new.runs,
  failures = schedules.failures + new.failures
from json_to_recordset($1::json) as new(key text, "nextSlot" float8, "lastSlot" float8, runs int, failures int)
where schedules.key = new.key
returning schedules.key, schedules.xmin::text as version`,
      [JSON.stringify(rows)],
    );
  }

  /** Pauses until somebody resumes; leaves one that is paused as it is. */
  async pause(query: Query, key: string, reason: string): Promise<boolean> {
    const rows = await query(
      `update ${this.#table} set paused_at = coalesce(paused_at, clock_timestamp()),
  paused_reason = case when paused_at is null then $2 else paused_reason end where key = $1 returning key`,
      [key, reason],
    );
    return rows.length > 0;
  }

  async resume(query: Query, key: string, nextSlot: number | null): Promise<void> {
    await query(
      `update ${this.#table} set paused_at = null, paused_reason = null, failures = 0,
  next_slot = to_timestamp($2::float8 / 1000) where key = $1`,
      [key, nextSlot],
    );
  }

  /**
   * Inserts schedules, or changes those of the same origin.
   *
   * @returns keys that were written
   */
  async write(
    query: Query,
    origin: Schedule["origin"],
    correlationId: string,
    rows: readonly WrittenSchedule[],
  ): Promise<string[]> {
    const written = await query<{ key: string }>(
      `insert into ${this.#table} as schedules
  (key, origin, cron, timezone, enabled, task, payload, settings, correlation_id, next_slot)
select key, $2, cron, timezone, enabled, task, payload::json, settings, $3, to_timestamp("nextSlot" / 1000)
from json_to_recordset($1::json) as new(key text, cron text, timezone text, enabled boolean, task text,
  payload text, settings jsonb, "nextSlot" float8)
on conflict (key) do update set cron = excluded.cron, timezone = excluded.timezone, enabled = excluded.enabled,
  task = excluded.task, payload = excluded.payload, settings = excluded.settings,
  correlation_id = excluded.correlation_id, updated_at = clock_timestamp(),
  next_slot = case when excluded.key = any($4::text[]) then schedules.next_slot else excluded.next_slot end
where schedules.origin = excluded.origin
returning schedules.key`,
      [
        JSON.stringify(rows),
        origin,
        correlationId,
        rows.filter(({ keepSlot }) => keepSlot).map(({ key }) => key),
      ],
    );
    return written.map(({ key }) => key);
  }

  /** Deletes schedules of an origin. */
  async remove(
    query: Query,
    origin: Schedule["origin"],
    keys: readonly string[],
  ): Promise<string[]> {
    const rows = await query<{ key: string }>(
      `delete from ${this.#table} where origin = $1 and key = any($2::text[]) returning key`,
      [origin, keys],
    );
    return rows.map(({ key }) => key);
  }

  /** One hash of what the code's schedules are in the database. */
  async digest(query: Query): Promise<string> {
    const [row] = await query<{ digest: string }>(
      `select coalesce(md5(string_agg(md5(row(key, cron, timezone, enabled, task, payload::text, settings)::text),
  '' order by key)), '') as digest from ${this.#table} where origin = 'code'`,
    );
    return row?.digest ?? "";
  }

  /** The next slot of each schedule that can fire, soonest first. */
  async nextSlots(
    query: Query,
    limit: number,
  ): Promise<{ readonly key: string; readonly nextSlot: number }[]> {
    return query(
      `select key, ${ms("next_slot")} as "nextSlot" from ${this.#table}
where enabled and paused_at is null and next_slot is not null order by next_slot limit $1`,
      [limit],
    );
  }
}
