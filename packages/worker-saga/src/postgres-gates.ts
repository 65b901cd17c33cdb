import type { Query } from "@oppulence/worker-core";

/** What a job waits for. */
export type GateNeed =
  | { readonly gate: string; readonly ok: boolean | null }
  | { readonly run: string; readonly step: number | null };

/** What a failed dependency means. */
export type GatePolicy = "fail" | "cancel" | "ignore";

/** A gate of which the queue does not know yet. */
export interface GateAct {
  readonly id: string;
  readonly job: string;
  readonly state: "ready" | "failed" | "cancelled";
  readonly run_at: Date | null;
}

/** Gates, in the database. */
export class GateStore {
  readonly #schema: string;

  constructor(schema: string) {
    this.#schema = schema;
  }

  /**
   * Gates by their jobs, kept from being settled until the transaction ends.
   *
   * @returns null for one whose job goes on
   */
  async lock(
    query: Query,
    jobs: readonly string[],
  ): Promise<Map<string, { gate: string; ok: boolean | null }>> {
    const rows = await query<{ job: string; gate: string; ok: boolean | null }>(
      `select job_id as job, id as gate,
  case when state in ('waiting', 'ready') then null else state = 'succeeded' end as ok
from ${this.#schema}.saga_gates where job_id = any($1::bigint[]) order by id for share`,
      [jobs],
    );
    return new Map(rows.map(({ job, gate, ok }) => [job, { gate, ok }]));
  }

  /** Adds a gate; its job comes after. */
  async add(
    query: Query,
    isOpen: boolean,
    policy: GatePolicy,
    runAt: Date | undefined,
    needs: readonly GateNeed[],
  ): Promise<string> {
    const [row] = await query<{ id: string }>(
      `with gate as (
  insert into ${this.#schema}.saga_gates (state, policy, run_at, acted) values ($1, $2, $3, true) returning id
), needs as (
  insert into ${this.#schema}.saga_gate_needs (gate, need, need_gate, run, step, ok)
  select gate.id, n.need, n.need_gate, n.run, n.step, n.ok
  from gate cross join unnest($4::int[], $5::bigint[], $6::bigint[], $7::smallint[], $8::boolean[])
    as n(need, need_gate, run, step, ok)
)
select id from gate`,
      [
        isOpen ? "ready" : "waiting",
        policy,
        runAt?.toISOString() ?? null,
        needs.map((_, index) => index),
        needs.map((need) => ("gate" in need ? need.gate : null)),
        needs.map((need) => ("run" in need ? need.run : null)),
        needs.map((need) => ("run" in need ? need.step : null)),
        needs.map((need) => ("gate" in need ? need.ok : null)),
      ],
    );
    return (row as { id: string }).id;
  }

  /** @returns false when the job has a gate already: its key replaced one that was there */
  async setJob(query: Query, gate: string, job: string): Promise<boolean> {
    const rows = await query(
      `update ${this.#schema}.saga_gates set job_id = $2
where id = $1 and not exists (select from ${this.#schema}.saga_gates where job_id = $2) returning id`,
      [gate, job],
    );
    return rows.length > 0;
  }

  async settle(query: Query, gates: readonly string[], ok: boolean): Promise<void> {
    await query(`select ${this.#schema}.saga_gates_settle($1::bigint[], $2)`, [gates, ok]);
  }

  /** Looks at a page of the steps and runs that jobs wait for. */
  async look(
    query: Query,
    after: string,
    limit: number,
  ): Promise<{ looked: number; last: string | null }> {
    const [row] = await query<{ looked: number; last: string | null }>(
      `select looked, last from ${this.#schema}.saga_gates_look($1::bigint, $2::int)`,
      [after, limit],
    );
    return row as { looked: number; last: string | null };
  }

  /** Gates of which the queue does not know yet. */
  acts(query: Query, limit: number): Promise<GateAct[]> {
    return query<GateAct>(
      `select id, job_id as job, state, run_at from ${this.#schema}.saga_gates where not acted order by id limit $1`,
      [limit],
    );
  }

  async acted(query: Query, gates: readonly string[]): Promise<void> {
    await query(`update ${this.#schema}.saga_gates set acted = true where id = any($1::bigint[])`, [
      gates,
    ]);
  }

  /** A page of gates whose jobs go on, from one on. */
  open(query: Query, after: string, limit: number): Promise<{ id: string; job: string }[]> {
    return query<{ id: string; job: string }>(
      `select id, job_id as job from ${this.#schema}.saga_gates
where state in ('waiting', 'ready') and acted and id > $1::bigint and created_at < now() - interval '5 seconds'
order by id limit $2`,
      [after, limit],
    );
  }

  /** Deletes a page of gates that were settled long ago. */
  async sweep(query: Query, olderThanMs: number, limit: number): Promise<void> {
    await query(
      `with old as (
  select id from ${this.#schema}.saga_gates where settled_at < now() - $1::float8 * interval '1 millisecond' and acted
  order by settled_at limit $2 for update skip locked
), needs as (
  delete from ${this.#schema}.saga_gate_needs where gate in (select id from old)
)
delete from ${this.#schema}.saga_gates where id in (select id from old)`,
      [olderThanMs, limit],
    );
  }
}
