import type { JobKeyMode, JobSpec } from "../contract/job.ts";
import type { Query } from "../contract/query.ts";
import { JobKeyBusyError } from "../errors.ts";
import { toFlags } from "../labels.ts";
import type { EngineTables } from "./database.ts";
import { type InsertedRow, matchRows, payloadsTell, SHAPE_COLUMNS } from "./insert-order.ts";

/** A job ready for the insert: its spec, and its payload as JSON text. */
export interface InsertItem {
  readonly spec: JobSpec;
  readonly payload: string;
}

/** What became of an item. */
export interface Inserted {
  readonly id: string;
  /** A job with the key was there, and the mode (`unsafe_dedupe`) left it as it was. */
  readonly existed: boolean;
}

/**
 * Adds jobs by graphile-worker's own functions: one statement a job key mode, so one in nearly every call.
 *
 * @returns what became of each, in the items' order
 */
export async function insertJobs(
  query: Query,
  tables: EngineTables,
  items: readonly InsertItem[],
): Promise<Inserted[]> {
  const [first] = items;
  if (first === undefined) return [];
  if (items.length === 1) return [await insertOne(query, tables, first)];
  const modes = new Set(items.map(({ spec }) => modeOf(spec)));
  if (modes.size === 1) return insertGroup(query, tables, modeOf(first.spec), items);
  const inserted: Inserted[] = new Array(items.length);
  for (const mode of modes) {
    const indexes = [...items.keys()].filter(
      (index) => modeOf((items[index] as InsertItem).spec) === mode,
    );
    const group = indexes.map((index) => items[index] as InsertItem);
    for (const [at, one] of (await insertGroup(query, tables, mode, group)).entries())
      inserted[indexes[at] as number] = one;
  }
  return inserted;
}

/** One job: its parts are parameters of their own, which costs the database less than a list of specs. */
async function insertOne(
  query: Query,
  tables: EngineTables,
  { spec, payload }: InsertItem,
): Promise<Inserted> {
  const mode = modeOf(spec);
  const flags = toFlags(spec.labels, spec.flags);
  const [row] = await query<Inserted>(
    mode === "unsafe_dedupe"
      ? `select id::text as id, ${EXISTED} from ${tables.schema}.add_job(${SPEC}, 'unsafe_dedupe')`
      : `select id::text as id, false as existed from ${tables.schema}.add_jobs(array[(${SPEC})::${tables.schema}.job_spec], ${mode === "preserve_run_at"})`,
    [
      spec.identifier,
      payload,
      spec.queueName ?? null,
      spec.runAt?.toISOString() ?? null,
      spec.maxAttempts ?? null,
      spec.jobKey ?? null,
      spec.priority ?? null,
      flags === undefined ? null : toArrayLiteral(flags),
    ],
  );
  if (row === undefined) throw new JobKeyBusyError();
  return row;
}

/** A job that `add_job` finds by its key gets a new revision; a new one begins at 0. */
const EXISTED = "revision > 0 as existed";

/** One spec as parameters: as text, where drivers differ in how they write a type. */
const SPEC =
  "$1::text, $2::text::json, $3::text, $4::text::timestamptz, $5::int, $6::text, $7::int, $8::text::text[]";

/** A PostgreSQL array, as text. */
function toArrayLiteral(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

/** Whether {@link insertJobs} needs more than one statement, and so a transaction. */
export function needsTransaction(items: readonly InsertItem[]): boolean {
  const mode = items.length === 0 ? undefined : modeOf((items[0] as InsertItem).spec);
  return items.some(({ spec }) => modeOf(spec) !== mode);
}

/** Without a key the mode does not matter; such jobs go along with any group. */
function modeOf(spec: JobSpec): JobKeyMode {
  return spec.jobKey === undefined ? "replace" : (spec.jobKeyMode ?? "replace");
}

async function insertGroup(
  query: Query,
  tables: EngineTables,
  mode: JobKeyMode,
  items: readonly InsertItem[],
): Promise<Inserted[]> {
  const specs = `[${items.map(toSpecJson).join(",")}]`;
  if (mode === "unsafe_dedupe") {
    return query<Inserted>(
      `select added.id::text as id, added.${EXISTED}
from ${SPECS}
cross join lateral ${tables.schema}.add_job(identifier, payload::json, queue_name, run_at, max_attempts, job_key, priority, flags, 'unsafe_dedupe') as added`,
      [specs],
    );
  }
  const keyed = items.some(({ spec }) => spec.jobKey !== undefined);
  const rows = await query<InsertedRow>(
    `select id::text as id, key, payload::text as payload${payloadsTell(items) ? "" : SHAPE_COLUMNS}${keyed ? ALL_OR_NONE(items.length) : ""}
from ${tables.schema}.add_jobs(
  array(
    select (identifier, payload::json, queue_name, run_at, max_attempts, job_key, priority, flags)::${tables.schema}.job_spec
    from ${SPECS}
  ),
  $2::boolean
) as added`,
    [specs, mode === "preserve_run_at"],
  );
  const ids = await matchRows(items, rows, query, tables);
  return ids.map((id) => ({ id, existed: false }));
}

/**
 * The specs as rows. Payloads come as text: were they JSON inside the JSON, PostgreSQL would resolve their
 * escapes on the way, and refuse a payload with a `\u0000` that its `json` type holds well.
 * The parameter is text too: a driver that sees a `json` parameter writes the string as JSON once more.
 */
const SPECS =
  "json_to_recordset($1::text::json) as spec(identifier text, payload text, queue_name text, run_at timestamptz, max_attempts int, job_key text, priority int, flags text[])";

/**
 * `add_jobs` leaves a job out when its key belongs to one that is claimed at this very moment. Dividing by
 * zero undoes the statement, so that a batch is added whole or not at all, without a transaction's two
 * further round trips.
 */
const ALL_OR_NONE = (count: number) =>
  `, 1 / (case when count(*) over () = ${count} then 1 else 0 end) as whole`;

/** Whether an insert failed because of {@link ALL_OR_NONE}. */
export function isKeyRace(error: unknown): boolean {
  return (
    typeof error === "object" && error !== null && (error as { code?: unknown }).code === "22012"
  );
}

function toSpecJson({ spec, payload }: InsertItem): string {
  const flags = toFlags(spec.labels, spec.flags);
  let json = `{"identifier":${JSON.stringify(spec.identifier)},"payload":${JSON.stringify(payload)}`;
  if (spec.queueName !== undefined) json += `,"queue_name":${JSON.stringify(spec.queueName)}`;
  if (spec.runAt !== undefined) json += `,"run_at":"${spec.runAt.toISOString()}"`;
  if (spec.maxAttempts !== undefined) json += `,"max_attempts":${spec.maxAttempts}`;
  if (spec.jobKey !== undefined) json += `,"job_key":${JSON.stringify(spec.jobKey)}`;
  if (spec.priority !== undefined) json += `,"priority":${spec.priority}`;
  if (flags !== undefined) json += `,"flags":${JSON.stringify(flags)}`;
  return `${json}}`;
}
