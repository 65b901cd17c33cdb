import type { Query } from "@oppulence/worker-core";
import type { StepKind } from "./definition.ts";
import type { AnyWorkflow } from "./workflow.ts";

/** A step of a definition, as the database has it. */
export interface StoredStep {
  readonly step: number;
  readonly id: string;
  readonly kind: StepKind;
  readonly needs: readonly number[];
  readonly later: readonly number[];
  readonly always: boolean;
  readonly undo: boolean;
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

/** A definition, as the database has it; it never changes. */
export interface StoredDefinition {
  readonly id: number;
  readonly workflow: string;
  readonly hash: string;
  readonly steps: readonly StoredStep[];
}

/** Items of a fan-out that are under way at once, unless it says so. */
const DEFAULT_WIDTH = 10;

/** The definitions of runs, read once each. */
export class Definitions {
  readonly #schema: string;
  readonly #query: Query;
  readonly #byId = new Map<number, StoredDefinition>();
  readonly #ids = new Map<string, Promise<number>>();

  constructor(schema: string, query: Query) {
    this.#schema = schema;
    this.#query = query;
  }

  /**
   * A definition by its id.
   *
   * @param query - of the transaction that asks. It holds a connection, and may hold what those wait for that have the
   * others of the pool: it cannot wait for one more
   * @throws Error when no definition has the id
   */
  async get(id: number, query: Query = this.#query): Promise<StoredDefinition> {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const found = await this.#read(id, query);
    this.#byId.set(id, found);
    return found;
  }

  /** The id of a definition of this process, which is written where it is new. */
  idOf(workflow: AnyWorkflow): Promise<number> {
    const key = `${workflow.name}/${workflow.hash}`;
    let found = this.#ids.get(key);
    if (found === undefined) {
      found = this.#write(workflow);
      this.#ids.set(key, found);
      found.catch(() => this.#ids.delete(key));
    }
    return found;
  }

  async #read(id: number, query: Query): Promise<StoredDefinition> {
    const [row] = await query<StoredDefinition>(
      `select d.id, d.workflow, d.hash, (
  select json_agg(s order by s.step) from ${this.#schema}.saga_definition_steps as s where s.definition = d.id
) as steps
from ${this.#schema}.saga_definitions as d where d.id = $1`,
      [id],
    );
    if (row === undefined) throw new Error(`no definition has the id ${id}`);
    return row;
  }

  async #write({ name, hash, rules, steps, graph }: AnyWorkflow): Promise<number> {
    const rows = steps.map((step, number) => ({
      step: number,
      id: step.id,
      kind: step.kind ?? "step",
      needs: graph[number]?.needs,
      next: graph[number]?.next,
      later: graph[number]?.later,
      always: step.always === true,
      undo: step.compensate !== undefined || step.kind === "child",
      width: step.kind === "each" ? (step.width ?? DEFAULT_WIDTH) : null,
      signal: step.kind === "signal" ? (step.signal ?? step.id) : null,
      optional: step.onTimeout === "continue",
      exact: step.transactional === true,
      metadata: step.metadata ?? null,
    }));
    const [row] = await this.#query<{ id: number }>(
      `with added as (
  insert into ${this.#schema}.saga_definitions (workflow, hash, version, compensates)
  values ($1, $2, $3, $4) on conflict (workflow, hash) do nothing returning id
), filled as (
  insert into ${this.#schema}.saga_definition_steps
    (definition, step, id, kind, needs, next, later, always, undo, width, signal, optional, exact, metadata)
  select added.id, s.step, s.id, s.kind, s.needs, s.next, s.later, s.always, s.undo, s.width, s.signal, s.optional, s.exact, s.metadata
  from added cross join json_to_recordset($5::text::json) as s(step smallint, id text, kind text, needs smallint[],
    next smallint[], later smallint[], always boolean, undo boolean, width int, signal text, optional boolean, exact boolean, metadata jsonb)
)
select id from added
union all
select id from ${this.#schema}.saga_definitions where workflow = $1 and hash = $2
limit 1`,
      [name, hash, rules.version ?? null, rules.onFailure !== "stop", JSON.stringify(rows)],
    );
    // Another process may have written it at this moment: it is there for a statement of its own.
    if (row !== undefined) return row.id;
    const [there] = await this.#query<{ id: number }>(
      `select id from ${this.#schema}.saga_definitions where workflow = $1 and hash = $2`,
      [name, hash],
    );
    return (there as { id: number }).id;
  }
}
