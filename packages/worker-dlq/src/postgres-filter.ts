import { toFlags } from "@oppulence/worker-core";
import type { DlqFilter } from "./filter.ts";

/** Conditions of a statement, and their parameters. */
export class Conditions {
  readonly values: unknown[] = [];
  readonly #texts: string[] = [];

  /**
   * @param text - a condition on the table, in which `:value` stands for the parameter
   * @param value - the parameter; a condition may have it more than once
   */
  add(text: string, value: unknown): this {
    this.#texts.push(text.replaceAll(":value", `$${this.values.push(value)}`));
    return this;
  }

  /** A parameter that is no condition. @returns its name in the statement */
  parameter(value: unknown): string {
    return `$${this.values.push(value)}`;
  }

  /** `where …`, or nothing. */
  get where(): string {
    return this.#texts.length === 0 ? "" : `where ${this.#texts.join(" and ")}`;
  }
}

/**
 * Filters as conditions: only those that are there, so that each statement gets the plan it needs.
 *
 * @param maxRequeues - the option, for the state
 */
export function conditionsOf(filters: readonly DlqFilter[], maxRequeues: number): Conditions {
  const conditions = new Conditions();
  for (const filter of filters) addFilter(conditions, filter, maxRequeues);
  return conditions;
}

/** A column that an index has before the id, and the value that all entries have there. */
interface Seek {
  readonly column: "task" | "fingerprint";
  readonly value: string;
}

/** Where a page begins or goes on. */
export interface PagePlace {
  readonly direction: "newest first" | "oldest first";
  /** Only ids beyond this one, in the direction. */
  readonly beyond: string;
}

/** A page's conditions and the order that it comes in. */
export interface PageConditions {
  readonly conditions: Conditions;
  readonly order: string;
}

/**
 * Conditions of a page of entries, by id.
 *
 * Of one task or one cause they come from that column's index, always: the column is held between two bounds
 * and is part of the order, which the primary key cannot serve. Told that the column equals a value, the planner
 * takes the primary key where it expects matches to be frequent, and reads the whole table for a task whose
 * entries are all old.
 *
 * @param table - its name, as ids are columns of the answer, too
 */
export function pageOf(
  filters: readonly DlqFilter[],
  maxRequeues: number,
  table: string,
  { direction, beyond }: PagePlace,
): PageConditions {
  const { seek, rest } = takeSeek(filters);
  const conditions = conditionsOf(rest, maxRequeues);
  const isDown = direction === "newest first";
  const [past, until, order] = isDown ? ["<", ">=", " desc"] : [">", "<=", ""];
  if (seek === undefined) {
    conditions.add(`id ${past} :value::bigint`, beyond);
    return { conditions, order: `${table}.id${order}` };
  }
  const { column, value } = seek;
  const name = conditions.parameter(value);
  conditions.add(
    `${column} ${until} ${name}::text and (${column}, id) ${past} (${name}::text, :value::bigint)`,
    beyond,
  );
  return { conditions, order: `${table}.${column}${order}, ${table}.id${order}` };
}

/** The first cause or task that the filters name, and the filters without it. */
function takeSeek(filters: readonly DlqFilter[]): {
  readonly seek: Seek | undefined;
  readonly rest: readonly DlqFilter[];
} {
  for (const column of ["fingerprint", "task"] as const) {
    const at = filters.findIndex((filter) => typeof filter[column] === "string");
    if (at < 0) continue;
    const value = (filters[at] as DlqFilter)[column] as string;
    const rest = filters.map((filter, index) => {
      if (index !== at) return filter;
      const { [column]: _taken, ...others } = filter;
      return others;
    });
    return { seek: { column, value }, rest };
  }
  return { seek: undefined, rest: filters };
}

function addFilter(conditions: Conditions, filter: DlqFilter, maxRequeues: number): void {
  const { ids, jobIds, task, fingerprint, reason, error, labels, since, until } = filter;
  if (ids !== undefined) conditions.add("id = any(:value::bigint[])", ids);
  if (jobIds !== undefined) conditions.add("job_id = any(:value::bigint[])", jobIds);
  if (typeof task === "string") conditions.add("task = :value::text", task);
  else if (task !== undefined) conditions.add("task = any(:value::text[])", task);
  if (fingerprint !== undefined) conditions.add("fingerprint = :value::text", fingerprint);
  if (reason !== undefined) conditions.add("reason = :value::text", reason);
  if (error !== undefined) {
    const pattern = `%${error.replace(/[\\%_]/g, "\\$&")}%`;
    conditions.add("(error_message ilike :value::text or error_name ilike :value::text)", pattern);
  }
  const flags = labels === undefined ? undefined : toFlags(labels, undefined);
  if (flags !== undefined) conditions.add("flags ?& :value::text[]", flags);
  addState(conditions, filter.state, maxRequeues);
  if (since !== undefined) conditions.add("dead_at >= :value::timestamptz", since.toISOString());
  if (until !== undefined) conditions.add("dead_at < :value::timestamptz", until.toISOString());
}

function addState(conditions: Conditions, state: DlqFilter["state"], maxRequeues: number): void {
  if (state === undefined) return;
  if (state === "spent") conditions.add("requeue_count >= :value::int", maxRequeues);
  else conditions.add("requeue_count < :value::int", maxRequeues);
  if (state === "dead") conditions.add("requeue_count = :value::int", 0);
  if (state === "returned") conditions.add("requeue_count > :value::int", 0);
}
