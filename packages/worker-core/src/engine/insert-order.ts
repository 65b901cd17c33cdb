import type { JobSpec } from "../contract/job.ts";
import type { Row } from "../contract/query.ts";
import { toFlags } from "../labels.ts";
import type { EngineTables } from "./database.ts";
import type { InsertItem } from "./insert.ts";

/** A row of `add_jobs`, with the shape columns where the items differ in more than payload. */
export interface InsertedRow extends Row {
  id: string;
  key: string | null;
  payload: string;
  task?: string;
  queue?: string | null;
  priority?: number;
  max_attempts?: number;
  run_ms?: number;
  flags?: Record<string, true> | null;
}

/** Columns that tell jobs with equal payloads apart. */
export const SHAPE_COLUMNS = ({ tasks, queues }: EngineTables): string =>
  `, (select identifier from ${tasks} as tasks where tasks.id = added.task_id) as task,
  (select queue_name from ${queues} as queues where queues.id = added.job_queue_id) as queue,
  priority, max_attempts, floor(extract(epoch from run_at) * 1000)::float8 as run_ms, flags`;

/** Whether the items differ in nothing but payload and key. */
export function sameShape(items: readonly InsertItem[]): boolean {
  const first = (items[0] as InsertItem).spec;
  return items.every(
    ({ spec }) =>
      spec.identifier === first.identifier &&
      spec.queueName === first.queueName &&
      spec.priority === first.priority &&
      spec.maxAttempts === first.maxAttempts &&
      spec.runAt?.getTime() === first.runAt?.getTime() &&
      spec.flags === first.flags &&
      sameLabels(spec.labels, first.labels),
  );
}

function sameLabels(a: JobSpec["labels"], b: JobSpec["labels"]): boolean {
  if (a === b) return true;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/**
 * Finds each item's row, so that an id always stands for the payload it was given for.
 *
 * `add_jobs` promises no order: its plan joins tasks and queues and may group rows by them. Nearly always
 * the order holds and is only verified; else rows are found by key, or by payload and shape: rows that agree
 * in all of that are interchangeable.
 */
export function matchRows(items: readonly InsertItem[], rows: readonly InsertedRow[]): string[] {
  if (items.every((item, index) => isRowOf(item, rows[index] as InsertedRow)))
    return rows.map(({ id }) => id);
  const runTimes = new Set(items.map(({ spec }) => spec.runAt?.getTime()));
  const ids = new Map<string, string[]>();
  for (const row of rows) {
    const identity = row.key === null ? rowIdentity(row, runTimes) : `key ${row.key}`;
    ids.set(identity, [...(ids.get(identity) ?? []), row.id]);
  }
  return items.map((item) => {
    const { jobKey } = item.spec;
    const id = ids
      .get(jobKey === undefined ? itemIdentity(item, rows[0] as InsertedRow) : `key ${jobKey}`)
      ?.shift();
    if (id === undefined) throw new Error("graphile-worker added a job that was not asked for");
    return id;
  });
}

function isRowOf({ spec, payload }: InsertItem, row: InsertedRow): boolean {
  if (spec.jobKey !== undefined) return row.key === spec.jobKey;
  // With shape columns the items differ in shape, and equal payloads prove nothing.
  return row.task === undefined && row.key === null && row.payload === payload;
}

function rowIdentity(row: InsertedRow, runTimes: ReadonlySet<number | undefined>): string {
  if (row.task === undefined) return row.payload;
  const runAt = runTimes.has(row.run_ms) ? row.run_ms : null;
  const flags = Object.keys(row.flags ?? {}).sort();
  return JSON.stringify([
    row.task,
    row.queue ?? null,
    row.priority,
    row.max_attempts,
    runAt,
    flags,
    row.payload,
  ]);
}

function itemIdentity({ spec, payload }: InsertItem, sample: InsertedRow): string {
  if (sample.task === undefined) return payload;
  const flags = [...new Set(toFlags(spec.labels, spec.flags) ?? [])].sort();
  return JSON.stringify([
    spec.identifier,
    spec.queueName ?? null,
    spec.priority ?? 0,
    spec.maxAttempts ?? 25,
    spec.runAt?.getTime() ?? null,
    flags,
    payload,
  ]);
}
