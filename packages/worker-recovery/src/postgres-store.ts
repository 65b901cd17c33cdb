import type { PluginHost, Query } from "@oppulence/worker-core";
import type { BoundedQuery } from "./lifeline.ts";
import type { Timing } from "./options.ts";

/** Who runs a pool, for people. */
export interface PoolHome {
  readonly host: string;
  readonly pid: number;
}

/** A pool's row. */
export interface PoolRow extends PoolHome {
  readonly pool: string;
  readonly started_at: Date;
  readonly beat_at: Date;
  readonly heartbeat_ms: number;
  readonly dead_after_ms: number;
  /** When it was found to be dead; null while it is alive. */
  readonly dead_at: Date | null;
  /** When its jobs were first taken back. */
  readonly clean_at: Date | null;
  /** Milliseconds since its last beat, by the database's clock. */
  readonly silent_ms: number;
}

/** A suspect's start, or its end. */
export interface Start {
  readonly job: string;
  readonly pool: string;
}

/** Beats that a pool misses before it counts as late, and that others get after an outage. */
const LATE_BEATS = 2;

const COLUMNS = `pool, host, pid, started_at, beat_at, heartbeat_ms, dead_after_ms, dead_at, clean_at,
  extract(epoch from now() - beat_at)::float8 * 1000 as silent_ms`;

/** The tables of this plugin: the only place that names them. What counts is the database's clock. */
export class RecoveryStore {
  readonly #query: Query;
  readonly #beat: BoundedQuery;
  readonly #pools: string;
  readonly #starts: string;

  constructor({ query, schema }: Pick<PluginHost, "query" | "schema">, beat: BoundedQuery) {
    this.#query = query;
    this.#beat = beat;
    this.#pools = `${schema}.recovery_pools`;
    this.#starts = `${schema}.recovery_starts`;
  }

  /** Registers a pool. Safe to repeat when the answer was lost. */
  async join(
    pool: string,
    { host, pid }: PoolHome,
    { heartbeatMs, deadAfterMs }: Timing,
  ): Promise<void> {
    await this.#query(
      `insert into ${this.#pools} (pool, host, pid, heartbeat_ms, dead_after_ms)
values ($1, $2, $3, $4, $5)
on conflict (pool) do update set beat_at = now(), dead_at = null, swept_at = null, clean_at = null`,
      [pool, host, pid, heartbeatMs, deadAfterMs],
    );
  }

  /**
   * Says that pools are alive.
   *
   * @returns those that still count as alive
   */
  async beat(pools: readonly string[], timeoutMs: number): Promise<string[]> {
    const rows = await this.#beat<{ pool: string }>(
      `update ${this.#pools} set beat_at = now() where pool = any($1::text[]) and dead_at is null returning pool`,
      [pools],
      timeoutMs,
    );
    return rows.map(({ pool }) => pool);
  }

  /** Deregisters a pool that has ended. One that was declared dead is left to whoever takes it back. */
  async leave(pool: string): Promise<void> {
    await this.#query(
      `with gone as (
  delete from ${this.#pools} where pool = $1 and dead_at is null returning pool
)
delete from ${this.#starts} as starts using gone where starts.pool = gone.pool`,
      [pool],
    );
  }

  /**
   * Takes one dead pool on, so that nobody else does: one that is silent for too long, one that somebody took
   * on and did not finish, or one that was taken back a while ago and is looked at once more.
   *
   * @param own - pools of this process, which know best themselves
   * @param witnessMs - for how long it is known that the database was within reach. After an outage every
   * pool looks dead; each gets some beats of its own to say that it is not
   * @param takeoverMs - how long whoever took one on may need
   */
  async claimDead(
    own: readonly string[],
    witnessMs: number,
    takeoverMs: number,
  ): Promise<PoolRow | undefined> {
    // A pool that beats meanwhile has its row locked, and is left out; so is one that another sweeper takes.
    const [row] = await this.#query<PoolRow>(
      `update ${this.#pools}
set dead_at = coalesce(dead_at, now()), swept_at = now()
where pool = (
  select pool from ${this.#pools}
  where pool <> all($1::text[])
    and case when dead_at is null
      then beat_at < now() - dead_after_ms * interval '1 millisecond' and $2::float8 >= ${LATE_BEATS} * heartbeat_ms
      else case when clean_at is null
        then swept_at < now() - $3::float8 * interval '1 millisecond'
        else clean_at < now() - dead_after_ms * interval '1 millisecond' end
    end
  order by beat_at
  limit 1
  for update skip locked
)
returning ${COLUMNS}`,
      [own, Number.isFinite(witnessMs) ? witnessMs : Number.MAX_SAFE_INTEGER, takeoverMs],
    );
    return row;
  }

  /**
   * A dead pool's jobs have been taken back; what it had started is forgotten.
   *
   * Its row goes only with the second time: a process that was paused may, once it goes on, claim more jobs
   * before it learns that its pool is dead, and be killed in that moment.
   *
   * @param isLast - nothing was found this time
   */
  async finish({ pool, clean_at }: Pick<PoolRow, "pool" | "clean_at">, isLast: boolean) {
    const settle =
      isLast && clean_at !== null
        ? `delete from ${this.#pools} where pool = $1 and dead_at is not null`
        : `update ${this.#pools} set clean_at = now() where pool = $1 and dead_at is not null`;
    await this.#query(
      `with settled as (${settle})
delete from ${this.#starts} where pool = $1`,
      [pool],
    );
  }

  /** Ids of suspects that a pool had started and not ended. */
  async startedIn(pool: string): Promise<string[]> {
    const rows = await this.#query<{ job_id: string }>(
      `select job_id from ${this.#starts} where pool = $1`,
      [pool],
    );
    return rows.map(({ job_id }) => job_id);
  }

  /** Writes down that suspects are about to run. */
  async recordStarts(starts: readonly Start[]): Promise<void> {
    await this.#query(
      `insert into ${this.#starts} (job_id, pool)
select distinct on (job_id) job_id, pool
from unnest($1::bigint[], $2::text[]) with ordinality as item(job_id, pool, at)
order by job_id, at desc
on conflict (job_id) do update set pool = excluded.pool, started_at = now()`,
      [starts.map(({ job }) => job), starts.map(({ pool }) => pool)],
    );
  }

  /** Forgets the starts of suspects that ended; starts in other pools stay. */
  async forgetStarts(starts: readonly Start[]): Promise<void> {
    await this.#query(
      `delete from ${this.#starts} as starts
using unnest($1::bigint[], $2::text[]) as item(job_id, pool)
where starts.job_id = item.job_id and starts.pool = item.pool`,
      [starts.map(({ job }) => job), starts.map(({ pool }) => pool)],
    );
  }

  /** All pools, the most silent first. */
  pools(): Promise<PoolRow[]> {
    return this.#query<PoolRow>(`select ${COLUMNS} from ${this.#pools} order by beat_at, pool`);
  }

  /** One pool, or undefined when it never had a heartbeat, or has ended. */
  async pool(pool: string): Promise<PoolRow | undefined> {
    const [row] = await this.#query<PoolRow>(
      `select ${COLUMNS} from ${this.#pools} where pool = $1`,
      [pool],
    );
    return row;
  }
}

/** How a pool is, by its row. */
export function stateOf(
  row: Pick<PoolRow, "dead_at" | "silent_ms" | "heartbeat_ms" | "dead_after_ms">,
): "alive" | "late" | "dead" {
  if (row.dead_at !== null || row.silent_ms > row.dead_after_ms) return "dead";
  return row.silent_ms > LATE_BEATS * row.heartbeat_ms ? "late" : "alive";
}
