import type { Query } from "@oppulence/worker-core";
import type { RunState, StepState } from "./moves.ts";
import type { StoredFailure } from "./postgres-store.ts";

/** A run's row. */
export interface RunRow {
  readonly key: string;
  readonly id: string;
  readonly definition: number;
  readonly workflow: string;
  readonly hash: string;
  readonly state: RunState;
  readonly phase: string;
  readonly cause: "step" | "deadline" | "cancelled" | null;
  readonly input: unknown;
  readonly error: StoredFailure | null;
  readonly parent: string | null;
  readonly deadline_at: Date | null;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
}

/** A step's row; items of fan-outs are counted, not listed. */
export interface StepRow {
  readonly step: number;
  readonly state: StepState;
  readonly tries: number;
  readonly epoch: number;
  readonly unknown: boolean;
  readonly job_id: string | null;
  readonly outcome: string | null;
  readonly error: { readonly name?: string; readonly message?: string } | null;
  readonly result: unknown;
  readonly total: number | null;
  readonly open_items: number | null;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly due_at: Date | null;
}

/** An attempt of a step, of its history. */
export interface AttemptRow {
  readonly step: string;
  readonly item: number | null;
  readonly attempt: number;
  readonly kind: "execute" | "compensate";
  /** `running`, `succeeded`, `failed`, `timed_out`, `lost`, `skipped`, `waiting`, `cancelled`. */
  readonly outcome: string;
  readonly error: { readonly name?: string; readonly message?: string } | null;
  readonly jobId: string | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
}

/** Which runs to list. */
export interface RunFilter {
  readonly workflow?: string | undefined;
  readonly states?: readonly RunState[] | undefined;
  /** Only those before this one, by their id. */
  readonly before?: string | undefined;
  /** 1 to 1,000. @defaultValue `50` */
  readonly limit?: number | undefined;
}

/** States that have an index, by what it holds: a run in one of them is found among millions in others. */
const INDEXED: readonly { readonly states: ReadonlySet<RunState>; readonly where: string }[] = [
  {
    states: new Set(["pending", "running", "compensating", "compensation_failed"]),
    where: " and r.finished_at is null",
  },
  {
    states: new Set(["failed", "compensating", "compensated", "compensation_failed", "cancelled"]),
    where: " and r.cause is not null",
  },
];

const RUN = `r.key, r.id, r.definition, r.workflow, d.hash, r.state, r.phase, r.cause, r.input, r.error,
  (select p.id from :S.saga_runs as p where p.key = r.parent_run) as parent,
  r.deadline_at, r.created_at, r.started_at, r.finished_at`;

/** Reads runs, steps and results. */
export class SagaReader {
  readonly #schema: string;

  constructor(schema: string) {
    this.#schema = schema;
  }

  #sql(text: string): string {
    return text.replaceAll(":S.", `${this.#schema}.`);
  }

  async run(query: Query, id: string): Promise<RunRow | undefined> {
    const [row] = await query<RunRow>(
      this.#sql(
        `select ${RUN} from :S.saga_runs as r join :S.saga_definitions as d on d.id = r.definition where r.id = $1`,
      ),
      [id],
    );
    return row;
  }

  list(query: Query, { workflow, states, before, limit = 50 }: RunFilter): Promise<RunRow[]> {
    const index = INDEXED.find((one) => states?.every((state) => one.states.has(state)));
    return query<RunRow>(
      this.#sql(`select ${RUN} from :S.saga_runs as r join :S.saga_definitions as d on d.id = r.definition
where ($1::text is null or r.workflow = $1) and ($2::text[] is null or r.state = any($2))${index?.where ?? ""}
  and ($3::text is null or r.key < (select key from :S.saga_runs where id = $3))
order by r.key desc limit $4`),
      [workflow ?? null, states ?? null, before ?? null, limit],
    );
  }

  /** Runs by id: where each stands. */
  states(
    query: Query,
    ids: readonly string[],
  ): Promise<{ id: string; state: RunState; phase: string }[]> {
    return query(this.#sql("select id, state, phase from :S.saga_runs where id = any($1)"), [ids]);
  }

  steps(query: Query, run: string): Promise<StepRow[]> {
    return query<StepRow>(
      this.#sql(`select s.step, s.state, s.attempt - s.base as tries, s.epoch, s.unknown, s.job_id, s.outcome, s.error,
  s.result, s.total, s.open_items, s.started_at, s.finished_at, t.due_at
from :S.saga_steps as s left join :S.saga_timers as t on t.run = s.run and t.step = s.step
where s.run = $1 and s.item = -1 order by s.step`),
      [run],
    );
  }

  /** Whether compensations of a run are under way: of its steps, of their items, or of its children. */
  async isUndoing(query: Query, run: string): Promise<boolean> {
    const [row] = await query<{ is_undoing: boolean }>(
      this.#sql(`select exists (
  select from :S.saga_steps where run = $1 and state in ('undo_queued', 'undo_running', 'undo_retrying')
) or exists (
  select from :S.saga_runs where parent_run = $1 and finished_at is null and phase <> 'parked'
) as is_undoing`),
      [run],
    );
    return row?.is_undoing === true;
  }

  /** Attempts that are over, and the present one, oldest first. */
  history(query: Query, run: string, limit: number): Promise<AttemptRow[]> {
    return query<AttemptRow>(
      this.#sql(`select * from (
  select step, nullif(item, -1) as item, attempt, kind, outcome, error, job_id as "jobId", started_at as "startedAt",
    finished_at as "finishedAt"
  from :S.saga_attempts where run = $1
  union all
  select d.id, nullif(s.item, -1), s.attempt - s.base, case when s.undoing then 'compensate' else 'execute' end,
    coalesce(s.outcome, 'running'), s.error, s.job_id, s.started_at, s.finished_at
  from :S.saga_steps as s
  join :S.saga_runs as r on r.key = s.run
  join :S.saga_definition_steps as d on d.definition = r.definition and d.step = s.step
  where s.run = $1 and s.started_at is not null
) as all_attempts order by "startedAt" limit $2`),
      [run, limit],
    );
  }

  /** Results of a run's steps, by id; of a fan-out only how many it had. */
  async results(query: Query, run: string): Promise<Record<string, unknown>> {
    const [row] = await query<{ results: Record<string, unknown> | null }>(
      this.#sql(`select json_object_agg(d.id, s.result) as results
from :S.saga_steps as s
join :S.saga_runs as r on r.key = s.run
join :S.saga_definition_steps as d on d.definition = r.definition and d.step = s.step
where s.run = $1 and s.item = -1 and s.result is not null`),
      [run],
    );
    return row?.results ?? {};
  }

  /** A page of a fan-out's results. */
  items(query: Query, run: string, step: number, after: number, limit: number) {
    return query<{ item: number; result: unknown }>(
      this.#sql(`select item, result from :S.saga_steps
where run = $1 and step = $2 and item > $3 order by item limit $4`),
      [run, step, after, limit],
    );
  }

  /** Which of these runs are no longer on their way forward. */
  async stopped(query: Query, runs: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await query<{ key: string }>(
      this.#sql(
        "select key from :S.saga_runs where key = any($1::bigint[]) and phase <> 'forward'",
      ),
      [runs],
    );
    return new Set(rows.map(({ key }) => key));
  }

  /** A page of runs that are not over, with the steps of theirs that have had a job for a while. */
  async pending(
    query: Query,
    after: string,
    limit: number,
    staleMs: number,
  ): Promise<{ last: string | undefined; steps: PendingStep[] }> {
    const rows = await query<{ key: string; steps: PendingStep[] | null }>(
      this.#sql(`select r.key, (
  select json_agg(json_build_object('run', s.run::text, 'step', s.step, 'item', s.item, 'attempt', s.attempt,
    'job', s.job_id::text, 'state', s.state, 'exact', d.exact))
  from :S.saga_steps as s
  join :S.saga_definition_steps as d on d.definition = r.definition and d.step = s.step
  where s.run = r.key and s.job_id is not null
    and s.state in ('queued', 'running', 'retrying', 'undo_queued', 'undo_running', 'undo_retrying')
    and coalesce(s.started_at, r.created_at) < now() - $3::float8 * interval '1 millisecond'
) as steps
from :S.saga_runs as r where r.finished_at is null and r.key > $1::bigint order by r.key limit $2`),
      [after, limit, staleMs],
    );
    return {
      last: rows.length < limit ? undefined : rows.at(-1)?.key,
      steps: rows.flatMap(({ steps }) => steps ?? []),
    };
  }

  /** Counts runs that are not over, up to 100,000 of them. */
  active(query: Query): Promise<{ workflow: string; state: RunState; count: number }[]> {
    return query(
      this.#sql(`select workflow, state, count(*)::int as count from (
  select workflow, state from :S.saga_runs where finished_at is null limit 100000
) as active group by workflow, state`),
    );
  }

  /** Deletes a page of runs that finished long ago, with all that is theirs. */
  async sweep(query: Query, olderThanMs: number, limit: number): Promise<number> {
    const [row] = await query<{ count: number }>(
      this.#sql(`with old as (
  select key from :S.saga_runs where finished_at < now() - $1::float8 * interval '1 millisecond'
  order by finished_at limit $2 for update skip locked
), gone as (
  delete from :S.saga_runs as r using old where r.key = old.key returning r.key
), steps as (
  delete from :S.saga_steps where run in (select key from gone)
), attempts as (
  delete from :S.saga_attempts where run in (select key from gone)
), signals as (
  delete from :S.saga_signals where run in (select key from gone)
)
select count(*)::int as count from gone`),
      [olderThanMs, limit],
    );
    return row?.count ?? 0;
  }
}

/** A step that has a job. */
export interface PendingStep {
  readonly run: string;
  readonly step: number;
  readonly item: number;
  readonly attempt: number;
  readonly job: string;
  readonly state: StepState;
  readonly exact: boolean;
}
