import type { Query } from "@oppulence/worker-core";

/** Where a slot stands. */
export type SlotStatus = "scheduled" | "started" | "succeeded" | "failed" | "missed" | "skipped";

/** What had a slot fire. */
export type SlotSource = "slot" | "catch-up" | "trigger" | "backfill";

/** Where a slot has a job, or why it has none. */
interface JobOfSlot {
  readonly jobId: string | null;
}

/** A slot to be written. Instants are milliseconds since the epoch. */
export interface LedgerEntry {
  readonly key: string;
  readonly slot: number;
  readonly status: SlotStatus;
  readonly error: string | null;
  readonly source: SlotSource;
  readonly correlationId: string;
}

/** What happened in a run of a slot. */
export interface RunReport {
  readonly key: string;
  readonly slot: number;
  /** `started` with an error: the attempt failed, and another one follows. */
  readonly status: "started" | "succeeded" | "failed";
  readonly error: string | null;
  readonly attempt: number;
}

/** A row of the ledger. */
export interface SlotEvent {
  readonly id: string;
  readonly key: string;
  readonly scheduledAt: Date;
  readonly startedAt: Date | undefined;
  readonly completedAt: Date | undefined;
  readonly status: SlotStatus;
  readonly error: string | undefined;
  readonly jobId: string | undefined;
  readonly attempts: number;
  readonly source: SlotSource;
  readonly correlationId: string | undefined;
}

/** Which slots of the ledger. */
export interface HistoryFilter {
  readonly key?: string | undefined;
  readonly status?: SlotStatus | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** @defaultValue `50` */
  readonly limit?: number | undefined;
}

/** A run that has not ended, as the ledger knows. */
export interface OpenEvent {
  readonly id: string;
  readonly key: string;
  readonly jobId: string | null;
}

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/** The table `scheduled_job_events`. */
export class Ledger {
  readonly #schema: string;

  constructor(schema: string) {
    this.#schema = schema;
  }

  get #table(): string {
    return `${this.#schema}.scheduled_job_events`;
  }

  /**
   * Writes slots, but not one that is there already.
   *
   * @param again - statuses that give way: a slot that was missed may be filled back
   * @returns key and slot of those that were written
   */
  async insert(
    query: Query,
    entries: readonly LedgerEntry[],
    again: readonly SlotStatus[] = [],
  ): Promise<{ readonly key: string; readonly slot: number }[]> {
    return query(
      `insert into ${this.#table} as events
  (job_key, scheduled_at, status, error, source, correlation_id, completed_at)
select key, to_timestamp(slot / 1000), status, error, source, "correlationId",
  case when status = 'failed' then clock_timestamp() end
from json_to_recordset($1::json)
  as new(key text, slot float8, status text, error text, source text, "correlationId" text)
on conflict (job_key, scheduled_at) do update set status = excluded.status, error = excluded.error,
  source = excluded.source, correlation_id = excluded.correlation_id, started_at = null, completed_at = null,
  job_id = null, attempts = 0
where events.status = any($2::text[])
returning job_key as key, ${ms("scheduled_at")} as slot`,
      [JSON.stringify(entries), again],
    );
  }

  /**
   * Writes slots whose jobs are added, in one statement.
   *
   * @returns how many were written: those that are there already are not
   */
  async insertNew(query: Query, entries: readonly (LedgerEntry & JobOfSlot)[]): Promise<number> {
    const [row] = await query<{ count: number }>(
      `with written as (
  insert into ${this.#table} (job_key, scheduled_at, status, error, source, correlation_id, job_id, completed_at)
  select key, to_timestamp(slot / 1000), status, error, source, "correlationId", "jobId"::bigint,
    case when status = 'failed' then clock_timestamp() end
  from json_to_recordset($1::json) as new(key text, slot float8, status text, error text, source text,
    "correlationId" text, "jobId" text)
  on conflict (job_key, scheduled_at) do nothing returning 1
) select count(*)::int as count from written`,
      [JSON.stringify(entries)],
    );
    return row?.count ?? 0;
  }

  /** Notes which job a slot has, or why it has none after all. */
  async settle(
    query: Query,
    rows: readonly (JobOfSlot & Pick<LedgerEntry, "key" | "slot" | "status" | "error">)[],
  ): Promise<void> {
    await query(
      `update ${this.#table} as events set job_id = new."jobId"::bigint, status = new.status, error = new.error,
  completed_at = case when new.status = 'failed' then clock_timestamp() end
from json_to_recordset($1::json) as new(key text, slot float8, "jobId" text, status text, error text)
where events.job_key = new.key and events.scheduled_at = to_timestamp(new.slot / 1000)`,
      [JSON.stringify(rows)],
    );
  }

  /**
   * Writes what happened in runs, and counts failures in a row: in one statement, which also pauses a schedule
   * that has too many.
   *
   * @returns keys of schedules that were paused
   */
  async report(query: Query, reports: readonly RunReport[]): Promise<string[]> {
    const rows = await query<{ key: string; paused: boolean }>(
      `with told as (
  select * from json_to_recordset($1::json) as told(key text, slot float8, status text, error text, attempt int)
), noted as (
  update ${this.#table} as events set status = told.status, error = told.error,
    attempts = greatest(events.attempts, told.attempt),
    started_at = coalesce(events.started_at, clock_timestamp()),
    completed_at = case when told.status <> 'started' then clock_timestamp() end
  from told where events.job_key = told.key and events.scheduled_at = to_timestamp(told.slot / 1000)
  returning events.id
), counted as (
  select key, count(*) filter (where status = 'failed')::int as failed, bool_or(status = 'succeeded') as succeeded
  from told where status <> 'started' group by key
), locked as (
  -- In order, as two processes may report of the same schedules.
  select schedules.key, case when succeeded then 0 else schedules.failures + failed end as failures
  from ${this.#schema}.cron_schedules as schedules join counted using (key)
  where failed > 0 or schedules.failures > 0 order by schedules.key for update of schedules
)
update ${this.#schema}.cron_schedules as schedules set failures = locked.failures,
  paused_at = case when locked.failures >= (settings->>'pauseAfterFailures')::int and paused_at is null
    then clock_timestamp() else paused_at end,
  paused_reason = case when locked.failures >= (settings->>'pauseAfterFailures')::int and paused_at is null
    then locked.failures || ' runs in a row failed' else paused_reason end
from locked where schedules.key = locked.key
returning schedules.key, locked.failures = (settings->>'pauseAfterFailures')::int as paused`,
      [JSON.stringify(reports)],
    );
    return rows.filter(({ paused }) => paused).map(({ key }) => key);
  }

  /**
   * Takes slots that have not come yet out again.
   *
   * @returns ids of their jobs
   */
  async withdraw(query: Query, keys: readonly string[]): Promise<string[]> {
    const rows = await query<{ id: string }>(
      `with gone as (
  delete from ${this.#table} where job_key = any($1::text[]) and status = 'scheduled' and source = 'slot'
    and scheduled_at > clock_timestamp() returning job_key, job_id
), counted as (
  update ${this.#schema}.cron_schedules as schedules set runs = schedules.runs - counts.count
  from (select job_key, count(*) as count from gone group by job_key) as counts
  where schedules.key = counts.job_key
)
select job_id::text as id from gone where job_id is not null`,
      [keys],
    );
    return rows.map(({ id }) => id);
  }

  /** Runs that began a while ago and are not over, a page along the ids. */
  async open(query: Query, after: string, limit: number): Promise<OpenEvent[]> {
    return query(
      `select id::text, job_key as key, job_id::text as "jobId" from ${this.#table}
where status in ('scheduled', 'started') and id > $1::bigint and created_at < clock_timestamp() - interval '5 seconds'
order by id limit $2`,
      [after, limit],
    );
  }

  /** Ends runs whose job is gone. A run that somebody has reported meanwhile is left as it is. */
  async close(
    query: Query,
    rows: readonly { readonly id: string; readonly status: SlotStatus; readonly error: string }[],
  ): Promise<void> {
    await query(
      `update ${this.#table} as events set status = new.status, error = coalesce(events.error, new.error),
  completed_at = clock_timestamp()
from json_to_recordset($1::json) as new(id bigint, status text, error text)
where events.id = new.id and events.status in ('scheduled', 'started')`,
      [JSON.stringify(rows)],
    );
  }

  /** @returns how many were deleted */
  async sweep(query: Query, olderThanMs: number, limit: number): Promise<number> {
    const rows = await query<{ count: number }>(
      `with gone as (
  delete from ${this.#table} where id in (
    select id from ${this.#table} where created_at < clock_timestamp() - $1 * interval '1 millisecond'
      and status not in ('scheduled', 'started') order by created_at limit $2
  ) returning 1
) select count(*)::int as count from gone`,
      [olderThanMs, limit],
    );
    return rows[0]?.count ?? 0;
  }

  /** Newest slots first. */
  async history(query: Query, filter: HistoryFilter): Promise<SlotEvent[]> {
    const rows = await query<Record<string, unknown>>(
      `select id::text, job_key as key, ${ms("scheduled_at")} as "scheduledAt", ${ms("started_at")} as "startedAt",
  ${ms("completed_at")} as "completedAt", status, error, job_id::text as "jobId", attempts, source,
  correlation_id as "correlationId"
from ${this.#table}
where ($1::text is null or job_key = $1) and ($2::text is null or status = $2)
  and ($3::timestamptz is null or scheduled_at >= $3) and ($4::timestamptz is null or scheduled_at < $4)
order by scheduled_at desc, id desc limit $5`,
      [
        filter.key ?? null,
        filter.status ?? null,
        filter.since ?? null,
        filter.until ?? null,
        filter.limit ?? 50,
      ],
    );
    return rows.map(toEvent);
  }
}

function toEvent(row: Record<string, unknown>): SlotEvent {
  const date = (value: unknown) => (value === null ? undefined : new Date(value as number));
  const { error, jobId, correlationId } = row;
  return {
    ...(row as unknown as SlotEvent),
    scheduledAt: new Date(row["scheduledAt"] as number),
    startedAt: date(row["startedAt"]),
    completedAt: date(row["completedAt"]),
    error: (error as string | null) ?? undefined,
    jobId: (jobId as string | null) ?? undefined,
    correlationId: (correlationId as string | null) ?? undefined,
  };
}
