import type { ClaimedJob, PluginHost, Query } from "@oppulence/worker-core";
import type { Move, Settlement } from "./moves.ts";

/** An attempt that is to begin. */
export interface BeginItem {
  readonly run: string;
  readonly step: number;
  readonly item: number;
  readonly job: string;
  readonly pool: string | null;
}

/** An attempt that began, with all that it needs. */
export interface Begun {
  /** `drain`: its run fails, so that it does not begin; what came of the attempt before is not known. */
  readonly verdict: "go" | "drain";
  readonly attempt: number;
  readonly tries: number;
  readonly epoch: number;
  readonly undoing: boolean;
  readonly lost: boolean;
  readonly id: string;
  readonly definition: number;
  readonly phase: string;
  readonly cause: "step" | "deadline" | "cancelled" | null;
  readonly run_error: StoredFailure | null;
  readonly input: unknown;
  readonly results: Readonly<Record<string, unknown>> | null;
  readonly item_input: unknown;
  readonly result: unknown;
  readonly total: number | null;
  readonly deadline_ms: number | null;
  readonly is_first: boolean;
}

/** Why a run left its way forward, as it is stored. */
export interface StoredFailure {
  readonly step?: string;
  readonly item?: number | null;
  readonly message?: string;
  readonly error?: { readonly name?: string; readonly message?: string };
}

/** A run to start. */
export interface StartItem {
  readonly id: string;
  readonly definition: number;
  readonly workflow: string;
  readonly input: string;
  readonly spec: string | null;
  readonly deadlineMs: number | null;
}

/** The parent's step of a child. */
export interface ParentRef {
  readonly run: string;
  readonly step: number;
}

/** Moves runs by the functions of the migrations, one statement each. */
export class SagaStore {
  readonly #host: Pick<PluginHost, "engine" | "schema">;

  constructor(host: Pick<PluginHost, "engine" | "schema">) {
    this.#host = host;
  }

  /** One answer an item; undefined where the job is not the step's any more. */
  async begin(query: Query, items: readonly BeginItem[]): Promise<(Begun | undefined)[]> {
    const rows = await query<Begun & { place: number }>(
      `select * from ${this.#host.schema}.saga_begin($1::bigint[], $2::smallint[], $3::int[], $4::bigint[], $5::text[])`,
      [
        items.map(({ run }) => run),
        items.map(({ step }) => step),
        items.map(({ item }) => item),
        items.map(({ job }) => job),
        items.map(({ pool }) => pool),
      ],
    );
    const answers: (Begun | undefined)[] = new Array(items.length).fill(undefined);
    for (const row of rows) answers[row.place - 1] = row;
    return answers;
  }

  /** Deletes claimed jobs and records what came of them, in one statement. */
  settleClaimed(
    query: Query,
    jobs: readonly ClaimedJob[],
    items: readonly Settlement[],
  ): Promise<Move[]> {
    const { engine, schema } = this.#host;
    return engine.takeInto<Move>(
      { claimed: jobs },
      {
        sql: `select 'taken' as what, id::bigint as run, null::text as id, null::int as definition, null::smallint as step,
  null::int as item, null::text as state, null::text as was, null::jsonb as spec, null::float8 as seconds from taken
union all select * from ${schema}.saga_settle(array(select id from taken), ${SETTLE(3)})`,
        values: settlementArrays(items),
      },
      query,
    );
  }

  /** Records what came of steps whatever becomes of their jobs. */
  settle(query: Query, items: readonly Settlement[]): Promise<Move[]> {
    return query<Move>(
      `select * from ${this.#host.schema}.saga_settle(null, ${SETTLE(1)})`,
      settlementArrays(items),
    );
  }

  /** Starts runs whose ids are new. */
  start(query: Query, items: readonly StartItem[], parent?: ParentRef): Promise<Move[]> {
    return query<Move>(
      `select * from ${this.#host.schema}.saga_start($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::bigint, $8::smallint)`,
      [
        items.map(({ id }) => id),
        items.map(({ definition }) => definition),
        items.map(({ workflow }) => workflow),
        items.map(({ input }) => input),
        items.map(({ spec }) => spec),
        items.map(({ deadlineMs }) => deadlineMs),
        parent?.run ?? null,
        parent?.step ?? null,
      ],
    );
  }

  /** Notes which jobs steps wait for. */
  async setJobs(query: Query, moves: readonly Move[], jobs: readonly string[]): Promise<void> {
    await query(
      `update ${this.#host.schema}.saga_steps as s set job_id = i.job
from unnest($1::bigint[], $2::smallint[], $3::int[], $4::bigint[]) as i(run, step, item, job)
where s.run = i.run and s.step = i.step and s.item = i.item and s.state in ('queued', 'undo_queued')`,
      [
        moves.map(({ run }) => run),
        moves.map(({ step }) => step),
        moves.map(({ item }) => item),
        jobs,
      ],
    );
  }

  /** Adds a fan-out's items, from an index on. */
  async addItems(
    query: Query,
    run: string,
    step: number,
    from: number,
    items: readonly string[],
  ): Promise<void> {
    await query(
      `insert into ${this.#host.schema}.saga_steps (run, step, item, input)
select $1::bigint, $2::smallint, $3::int + place - 1, input::json from unnest($4::text[]) with ordinality as i(input, place)`,
      [run, step, from, items],
    );
  }

  /** Keeps others from changing the run until the transaction ends. */
  async lock(query: Query, run: string): Promise<void> {
    await query(`select ${this.#host.schema}.saga_lock(array[$1::bigint])`, [run]);
  }

  signal(query: Query, id: string, name: string, payload: string | null, key: string) {
    return this.#call(query, "saga_signal($1::text, $2::text, $3::text::json, $4::text)", [
      id,
      name,
      payload,
      key,
    ]);
  }

  fire(query: Query, limit: number): Promise<Move[]> {
    return this.#call(query, "saga_fire($1::int)", [limit]);
  }

  cancel(query: Query, id: string, error: string, compensate: boolean, rollback: boolean) {
    return this.#call(query, "saga_cancel($1::text, $2::text::json, $3::boolean, $4::boolean)", [
      id,
      error,
      compensate,
      rollback,
    ]);
  }

  resume(
    query: Query,
    id: string,
    input: string | null,
    step: string | null,
    error: string | null,
  ) {
    return this.#call(query, "saga_resume($1::text, $2::text::json, $3::text, $4::text::json)", [
      id,
      input,
      step,
      error,
    ]);
  }

  redrive(
    query: Query,
    run: string,
    definition: number,
    input: string | null,
    steps: readonly number[],
    kept: readonly (number | null)[],
    deadlineMs: number | null,
  ) {
    return this.#call(
      query,
      "saga_redrive($1::bigint, $2::int, $3::text::json, $4::smallint[], $5::smallint[], $6::float8)",
      [run, definition, input, steps, kept, deadlineMs],
    );
  }

  #call(query: Query, call: string, values: readonly unknown[]): Promise<Move[]> {
    return query<Move>(`select * from ${this.#host.schema}.${call}`, values);
  }
}

const TYPES = ["bigint", "bigint", "smallint", "int", "int", "text", "text", "boolean"];
const SETTLE = (first: number) =>
  TYPES.map((type, index) => `$${first + index}::${type}[]`).join(", ");

function settlementArrays(items: readonly Settlement[]): unknown[] {
  return [
    items.map(({ job }) => job),
    items.map(({ run }) => run),
    items.map(({ step }) => step),
    items.map(({ item }) => item),
    items.map(({ attempt }) => attempt),
    items.map(({ outcome }) => outcome),
    items.map(({ value }) => value),
    items.map(({ unknown }) => unknown),
  ];
}
