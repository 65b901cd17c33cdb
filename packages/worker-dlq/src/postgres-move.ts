import type { ClaimedJob, PluginHost, Query } from "@oppulence/worker-core";
import type { CapturedError } from "./captured-error.ts";
import { type DeadLetterRow, ORIGIN_LABEL, REQUEUES_LABEL } from "./dead-letter.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { columns, tableOf } from "./postgres-table.ts";
import type { EarlierError } from "./recent-errors.ts";
import { redact } from "./redact.ts";

/** Which jobs to move: claimed ones, ones that nobody holds, or those of them that have no attempt left. */
export type MoveChoice =
  | { readonly claimed: readonly ClaimedJob[] }
  | { readonly waiting: readonly string[] }
  | { readonly failed: readonly string[] };

/** What is known of a job that is moved. */
export interface MoveItem {
  readonly id: string;
  /** Undefined: as the job's note says, or the engine's last error. */
  readonly reason: string | undefined;
  /** Undefined: the engine's last error. */
  readonly error: CapturedError | undefined;
  readonly fingerprint: string | undefined;
  readonly earlier: readonly EarlierError[];
  /** JSON in place of the job's payload: redacted, or what is left of a batch. */
  readonly payload: string | undefined;
  readonly redacted: readonly string[] | undefined;
}

/** A row that was moved; with all its columns where they were asked for. */
export type MovedRow = Pick<
  DeadLetterRow,
  "id" | "job_id" | "task" | "reason" | "error_message" | "fingerprint"
> &
  Partial<DeadLetterRow>;

const REQUEUES = `^${REQUEUES_LABEL.replace(".", "\\.")}=(\\d{1,6})$`;
const ORIGIN = `^${ORIGIN_LABEL.replace(".", "\\.")}=(\\d{1,18})$`;
const MAX_MESSAGE = 8_000;
/** What `permanently_fail_jobs` writes when it is given no message. */
const BY_HAND = "Manually marked as failed";

/**
 * Moves jobs: deletes them from the queue, frees their named queues and inserts them here, in one statement.
 *
 * @param items - what is known of them; a job without an item gets what its row and its note say
 * @param full - whether to return all columns
 * @param query - a transaction; without one the statement is its own
 * @returns the rows of the jobs that were there to be moved
 */
export function moveJobs(
  { engine, schema }: Pick<PluginHost, "engine" | "schema">,
  choice: MoveChoice,
  items: readonly MoveItem[],
  full: boolean,
  query?: Query,
): Promise<MovedRow[]> {
  const isClaimed = "claimed" in choice;
  const sql = moveSql(schema, full ? columns("payload::text") : MOVED_COLUMNS);
  return engine.takeInto<MovedRow>(choice, { sql, values: [isClaimed, ...toArrays(items)] }, query);
}

/** Of the error only what is needed where the cause is still to be named. */
const MOVED_COLUMNS = `id::text, job_id::text, task, reason, fingerprint,
  case when fingerprint = '' then error_message end as error_message,
  case when fingerprint = '' then error_name end as error_name,
  case when fingerprint = '' then error_stack end as error_stack`;

const moveSql = (
  schema: string,
  returning: string,
) => `insert into ${tableOf(schema)} (job_id, origin_id, requeue_count, task, queue_name, job_key, priority,
  payload, payload_size, redacted, flags, attempts, max_attempts, run_at, created_at, failed_at, reason,
  error_name, error_code, error_message, error_stack, error_causes, earlier_errors, fingerprint, worker)
select taken.id, coalesce(history.origin, taken.id), coalesce(history.requeues, 0), taken.task_identifier,
  taken.queue_name, taken.key, taken.priority,
  coalesce(known.payload::json, taken.payload), octet_length(coalesce(known.payload, taken.payload::text)),
  case when known.redacted is not null
    then array(select json_array_elements_text(known.redacted::json)) end, taken.flags, taken.attempts, taken.max_attempts, taken.run_at, taken.created_at,
  case when $3::boolean then now() else taken.updated_at end,
  coalesce(known.reason, case when taken.note_kind = 'exhausted' then lower(taken.note_code) end, case
    when taken.last_error = '${BY_HAND}' then 'permanently_failed'
    when taken.last_error is null then 'reconciled'
    else 'attempts_exhausted' end),
  known.error_name, known.error_code,
  coalesce(known.error_message, left(taken.last_error, ${MAX_MESSAGE}),
    case when taken.note_kind = 'exhausted' then taken.note_message end, 'no error was recorded'),
  known.error_stack, known.error_causes::jsonb, known.earlier_errors::jsonb, coalesce(known.fingerprint, ''),
  case when $3::boolean then taken.locked_by end
from taken
left join unnest($4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
  $12::text[], $13::text[], $14::text[]) as known(id, reason, error_name, error_code, error_message, error_stack,
  error_causes, earlier_errors, fingerprint, payload, redacted) on known.id = taken.id
left join lateral (
  select max(substring(flag from '${REQUEUES}')::int) as requeues,
    max(substring(flag from '${ORIGIN}')::bigint) as origin
  from jsonb_object_keys(taken.flags) as flag
) as history on true
order by taken.id
returning ${returning}`;

/** One array a column: PostgreSQL reads these several times faster than a document of JSON. */
function toArrays(items: readonly MoveItem[]): readonly (readonly (string | null)[])[] {
  const column = (value: (item: MoveItem) => string | undefined) =>
    items.map((item) => value(item) ?? null);
  const json = (list: readonly unknown[] | undefined) =>
    list === undefined || list.length === 0 ? undefined : JSON.stringify(list);
  return [
    column(({ id }) => id),
    column(({ reason }) => reason),
    column(({ error }) => error?.name),
    column(({ error }) => error?.code),
    column(({ error }) => error?.message),
    column(({ error }) => error?.stack),
    column(({ error }) => json(error?.causes)),
    column(({ earlier }) => json(earlier)),
    column(({ fingerprint }) => fingerprint),
    column(({ payload }) => payload),
    column(({ redacted }) => json(redacted)),
  ];
}

/**
 * Gives rows that were moved without an item their fingerprint, in the same transaction: it is made of the
 * engine's last error, which only the row had.
 */
export async function nameCauses(
  schema: string,
  rows: readonly MovedRow[],
  query: Query,
): Promise<void> {
  const nameless = rows.filter(({ fingerprint }) => fingerprint === "");
  if (nameless.length === 0) return;
  const causes = nameless.map(({ task, error_name, error_message: message, error_stack }) =>
    fingerprintOf({
      task,
      name: error_name ?? undefined,
      message,
      stack: error_stack ?? undefined,
    }),
  );
  await query(
    `update ${tableOf(schema)} as dead set fingerprint = named.fingerprint
from unnest($1::bigint[], $2::text[]) as named(id, fingerprint) where dead.id = named.id`,
    [nameless.map(({ id }) => id), causes],
  );
}

/** Redacts rows that were moved without their payload being looked at, in the same transaction. */
export async function redactRows(
  schema: string,
  rows: readonly MovedRow[],
  pathsOf: (task: string) => readonly string[],
  query: Query,
): Promise<void> {
  for (const { id, task } of rows) {
    const paths = pathsOf(task);
    if (paths.length === 0) continue;
    // One by one: a payload may have many megabytes.
    const [row] = await query<{ payload: string }>(
      `select payload::text as payload from ${tableOf(schema)} where id = $1::bigint`,
      [id],
    );
    const redacted = redact(JSON.parse(row?.payload ?? "null"), paths);
    if (redacted.paths.length === 0) continue;
    await query(
      `update ${tableOf(schema)} set payload = $2::text::json, payload_size = octet_length($2::text), redacted = $3::text[]
where id = $1::bigint`,
      [id, JSON.stringify(redacted.payload), redacted.paths],
    );
  }
}
