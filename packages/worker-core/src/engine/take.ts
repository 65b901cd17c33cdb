import type { Job } from "graphile-worker";
import type { Query } from "../contract/query.ts";
import type { EngineTables } from "./database.ts";

/** A row as it left the queue, with its note. Column names are graphile-worker's. */
export interface TakenRow extends Record<string, unknown> {
  id: string;
  task_identifier: string;
  queue_name: string | null;
  payload: unknown;
  priority: number;
  run_at: Date;
  attempts: number;
  max_attempts: number;
  last_error: string | null;
  created_at: Date;
  updated_at: Date;
  key: string | null;
  revision: number;
  flags: Record<string, true> | null;
  locked_at: Date | null;
  locked_by: string | null;
  note_kind: string | null;
  note_plugin: string | null;
  note_code: string | null;
  note_message: string | null;
}

/** What has to be known of a claimed job to take it. */
export type ClaimedJob = Pick<Job, "id" | "locked_by" | "job_queue_id">;

/** Which jobs to take. */
export type TakeChoice =
  /** Claimed ones, each guarded by its claim's pool. */
  | { readonly claimed: readonly ClaimedJob[] }
  /** By id, if nobody holds them. */
  | { readonly waiting: readonly string[] }
  /** By id, if nobody holds them and no attempt is left. */
  | { readonly failed: readonly string[] };

/** What is done with the rows that were taken. */
export interface TakeInto {
  /**
   * A statement that reads `taken`: the deleted rows, with the columns of {@link TakenRow}. Its own parameters
   * begin at `$3`.
   *
   * @example
   * "insert into archive select id, task_identifier, payload, $3::text from taken returning id"
   */
  readonly sql: string;
  readonly values: readonly unknown[];
}

/**
 * Deletes jobs, frees their queues, and does something with the rows: all in one statement, so that a row
 * is never in two places and never in neither.
 *
 * A row deleted before the engine's own failure write would leave its named queue locked: that write finds
 * the queue through the row. So the queue is freed here, in the same statement.
 */
export function takeInto<R extends object>(
  query: Query,
  tables: EngineTables,
  choice: TakeChoice,
  { sql, values }: TakeInto,
): Promise<R[]> {
  const { ids, pools, guard } = toGuard(choice);
  return query<R>(
    `with item as (
  select * from unnest($1::bigint[], $2::text[]) as item(id, pool)
), gone as (
  delete from ${tables.jobs} as jobs
  using item
  where jobs.id = item.id and ${guard}
  returning jobs.*
), freed as (
  update ${tables.queues} as queues
  set locked_at = null, locked_by = null
  from gone
  where queues.id = gone.job_queue_id and queues.locked_by = gone.locked_by
), forgotten as (
  delete from ${tables.notes} as notes using gone where notes.job_id = gone.id
), taken as (
  select gone.*, tasks.identifier as task_identifier, queues.queue_name, notes.kind as note_kind,
    notes.plugin as note_plugin, notes.code as note_code, notes.message as note_message
  from gone
  join ${tables.tasks} as tasks on tasks.id = gone.task_id
  left join ${tables.queues} as queues on queues.id = gone.job_queue_id
  left join ${tables.notes} as notes on notes.job_id = gone.id
)
${sql}`,
    [ids, pools, ...values],
  );
}

function toGuard(choice: TakeChoice): {
  ids: readonly string[];
  pools: readonly (string | null)[];
  guard: string;
} {
  if ("claimed" in choice) {
    const { claimed } = choice;
    return {
      ids: claimed.map(({ id }) => id),
      pools: claimed.map(({ locked_by }) => locked_by),
      guard: "jobs.locked_by = item.pool",
    };
  }
  const ids = "waiting" in choice ? choice.waiting : choice.failed;
  const idle = "jobs.locked_at is null and item.pool is null";
  const guard = "waiting" in choice ? idle : `${idle} and jobs.attempts >= jobs.max_attempts`;
  return { ids, pools: ids.map(() => null), guard };
}
