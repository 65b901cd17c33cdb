import type { JobSpec } from "../contract/job.ts";
import type { Query, Row } from "../contract/query.ts";
import { toFlags } from "../labels.ts";
import type { EngineTables } from "./database.ts";
import type { InsertItem } from "./insert.ts";

/** A row of `add_jobs`, with the shape columns where payloads do not tell the items apart. */
export interface InsertedRow extends Row {
  id: string;
  key: string | null;
  payload: string;
  task_id?: number;
  job_queue_id?: number | null;
  priority?: number;
  max_attempts?: number;
  run_ms?: number;
  flags?: Record<string, true> | null;
}

/** Columns that tell jobs with equal payloads apart. */
export const SHAPE_COLUMNS =
  ", task_id, job_queue_id, priority, max_attempts, floor(extract(epoch from run_at) * 1000)::float8 as run_ms, flags";

/** Whether payloads and keys alone say which row is which item's. */
export function payloadsTell(items: readonly InsertItem[]): boolean {
  if (items.every(({ spec }) => isSameShape(spec, (items[0] as InsertItem).spec))) return true;
  const unkeyed = items.filter(({ spec }) => spec.jobKey === undefined);
  return new Set(unkeyed.map(({ payload }) => payload)).size === unkeyed.length;
}

function isSameShape(a: JobSpec, b: JobSpec): boolean {
  return (
    a.identifier === b.identifier &&
    a.queueName === b.queueName &&
    a.priority === b.priority &&
    a.maxAttempts === b.maxAttempts &&
    a.runAt?.getTime() === b.runAt?.getTime() &&
    a.flags === b.flags &&
    isSameLabels(a.labels, b.labels)
  );
}

function isSameLabels(a: JobSpec["labels"], b: JobSpec["labels"]): boolean {
  if (a === b) return true;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/**
 * Finds each item's row, so that an id always stands for the job it was given for.
 *
 * `add_jobs` promises no order, and does not keep it: its plan joins tasks and queues, and hash joins
 * scatter rows. Where the order held, that is only verified; else rows are found by key, by payload, or by
 * payload and shape: rows that agree in all of that are interchangeable.
 */
export async function matchRows(
  items: readonly InsertItem[],
  rows: readonly InsertedRow[],
  query: Query,
  tables: EngineTables,
): Promise<string[]> {
  const shaped = rows[0]?.task_id !== undefined;
  if (!shaped && items.every((item, index) => isRowOf(item, rows[index] as InsertedRow))) {
    return rows.map(({ id }) => id);
  }
  const names = shaped ? await readNames(query, tables, rows) : undefined;
  const runTimes = new Set(items.map(({ spec }) => spec.runAt?.getTime()));
  const ids = new Map<string, string[]>();
  for (const row of rows) {
    const identity = row.key === null ? rowIdentity(row, names, runTimes) : `key ${row.key}`;
    const same = ids.get(identity);
    if (same === undefined) ids.set(identity, [row.id]);
    else same.push(row.id);
  }
  return items.map((item) => {
    const { jobKey } = item.spec;
    const identity = jobKey === undefined ? itemIdentity(item, shaped) : `key ${jobKey}`;
    const id = ids.get(identity)?.shift();
    if (id === undefined) throw new Error("graphile-worker added a job that was not asked for");
    return id;
  });
}

function isRowOf({ spec, payload }: InsertItem, row: InsertedRow): boolean {
  if (spec.jobKey !== undefined) return row.key === spec.jobKey;
  return row.key === null && row.payload === payload;
}

interface Names {
  readonly tasks: ReadonlyMap<number, string>;
  readonly queues: ReadonlyMap<number, string>;
}

/** A statement of its own: tasks and queues that the insert has just made are not visible to the insert. */
async function readNames(
  query: Query,
  tables: EngineTables,
  rows: readonly InsertedRow[],
): Promise<Names> {
  const found = await query<{ task: boolean; id: number; name: string }>(
    `select true as task, id, identifier as name from ${tables.tasks} where id = any($1::int[])
union all
select false, id, queue_name from ${tables.queues} where id = any($2::int[])`,
    [
      [...new Set(rows.map(({ task_id }) => task_id))],
      [...new Set(rows.flatMap(({ job_queue_id }) => job_queue_id ?? []))],
    ],
  );
  const map = (task: boolean) =>
    new Map(found.filter((one) => one.task === task).map(({ id, name }) => [id, name]));
  return { tasks: map(true), queues: map(false) };
}

function rowIdentity(
  row: InsertedRow,
  names: Names | undefined,
  runTimes: ReadonlySet<number | undefined>,
): string {
  if (names === undefined) return row.payload;
  return JSON.stringify([
    names.tasks.get(row.task_id as number),
    names.queues.get(row.job_queue_id as number) ?? null,
    row.priority,
    row.max_attempts,
    runTimes.has(row.run_ms) ? row.run_ms : null,
    Object.keys(row.flags ?? {}).sort(),
    row.payload,
  ]);
}

function itemIdentity({ spec, payload }: InsertItem, shaped: boolean): string {
  if (!shaped) return payload;
  return JSON.stringify([
    spec.identifier,
    spec.queueName ?? null,
    spec.priority ?? 0,
    spec.maxAttempts ?? 25,
    spec.runAt?.getTime() ?? null,
    [...new Set(toFlags(spec.labels, spec.flags) ?? [])].sort(),
    payload,
  ]);
}
