import type { Query } from "@oppulence/worker-core";

/** Airports that failed for one reason. */
interface Failure {
  /** What is wrong, path first: `tz: an airport has a time zone`. */
  readonly cause: string;
  readonly airports: number;
  /** Some of them, by name. */
  readonly examples: readonly string[];
}

/** Jobs that a plugin stopped for one reason. */
interface Stopped {
  readonly kind: "deferred" | "skipped";
  readonly plugin: string;
  readonly code: string;
  readonly jobs: number;
  readonly times: number;
}

/** What the demo did, as the database has it. */
export interface Summary {
  readonly airports: {
    readonly staged: number;
    readonly written: number;
    /** Of those written, the ones that were dead letters first. */
    readonly repaired: number;
    readonly failed: number;
    readonly skipped: number;
  };
  /** How the rows came: taken by a schedule by the second. */
  readonly deliveries: {
    /** Slots of the schedule that brought rows. */
    readonly slots: number;
    /** Slots whose ledger row does not say that they succeeded, once. */
    readonly astray: number;
  };
  readonly countries: {
    readonly surveyed: number;
    readonly surveys: number;
    readonly staleOffsets: number;
  };
  readonly remotest:
    | {
        readonly name: string;
        readonly country: string;
        readonly km: number;
        readonly nearest: string;
      }
    | undefined;
  readonly failures: readonly Failure[];
  readonly stopped: readonly Stopped[];
  /** From the first row staged to the last airport written. */
  readonly seconds: number;
  /** Airports a second in that time, failed ones included. */
  readonly jobsPerSecond: number;
}

/** Reads the summary. Nothing in it was counted by the demo's own process. */
export async function readSummary(query: Query): Promise<Summary> {
  const [counts] = await query<Counts>(COUNTS);
  const { staged, written, repaired, failed, skipped, seconds, slots, astray, ...countries } =
    counts as Counts;
  const [remotest] = await query<NonNullable<Summary["remotest"]>>(REMOTEST);
  return {
    airports: { staged, written, repaired, failed, skipped },
    deliveries: { slots, astray },
    countries: {
      surveyed: countries.surveyed,
      surveys: countries.surveys,
      staleOffsets: countries.stale_offsets,
    },
    remotest,
    failures: await query<Failure>(FAILURES),
    stopped: await query<Stopped>(STOPPED),
    seconds,
    jobsPerSecond: seconds > 0 ? Math.round((written + failed) / seconds) : 0,
  };
}

/**
 * Checks that every row that went in has come out somewhere, and that the second level has seen them all.
 *
 * @returns a sentence for each thing that does not add up
 */
export async function findMismatches(
  query: Query,
  { airports, deliveries }: Summary,
  expected: number,
): Promise<string[]> {
  const problems: string[] = [];
  if (airports.staged !== expected)
    problems.push(`${expected} rows were read and ${airports.staged} staged`);
  if (deliveries.astray > 0)
    problems.push(
      `${deliveries.astray} of ${deliveries.slots} slots that brought rows are not in the ledger as succeeded`,
    );
  const out = airports.written + airports.failed + airports.skipped;
  if (out !== airports.staged) {
    problems.push(
      `${airports.staged} airports went in and ${out} came out: ${airports.written} written, ${airports.failed} failed, ${airports.skipped} skipped`,
    );
  }
  const stale = await query<{ country: string }>(`
select country from demo.airports left join demo.countries on countries.name = country
group by country, countries.airports having count(*) is distinct from countries.airports order by country`);
  if (stale.length > 0)
    problems.push(
      `the survey of ${stale.map(({ country }) => country).join(", ")} has not seen every airport`,
    );
  return problems;
}

interface Counts {
  staged: number;
  slots: number;
  astray: number;
  written: number;
  repaired: number;
  failed: number;
  skipped: number;
  surveyed: number;
  surveys: number;
  stale_offsets: number;
  seconds: number;
}

/** A dead letter's key says which row it was for. */
const FAILED = `
failed as (
  select raw_airports.row, letters.error_message
  from oppulence_worker.graphile_worker_dlq as letters
  join demo.raw_airports on letters.job_key = 'airport:' || raw_airports.id
)`;

const COUNTS = `
with ${FAILED}
select
  (select count(*)::int from demo.raw_airports) as staged,
  (select count(distinct slot)::int from demo.raw_airports) as slots,
  (select count(*)::int from (select distinct slot from demo.raw_airports) as brought where (
    select count(*) from oppulence_worker.scheduled_job_events as events
    where events.job_key = 'stage-airports' and events.scheduled_at = brought.slot and events.status = 'succeeded'
  ) <> 1) as astray,
  (select count(*)::int from demo.airports) as written,
  (select count(*)::int from demo.airports join demo.raw_airports using (id)
    where raw_airports.row ->> 'iata' is not null and airports.iata is null) as repaired,
  (select count(*)::int from failed) as failed,
  (select count(*)::int from oppulence_worker.core_notes where kind = 'skipped') as skipped,
  (select count(*)::int from demo.countries) as surveyed,
  (select coalesce(sum(surveys), 0)::int from demo.countries) as surveys,
  (select coalesce(sum(stale_offsets), 0)::int from demo.countries) as stale_offsets,
  (select coalesce(extract(epoch from max(imported_at) - (select min(staged_at) from demo.raw_airports)), 0)::float8
    from demo.airports) as seconds`;

/** The path and what would be right; what was got differs from row to row. */
const FAILURES = `
with ${FAILED}, explained as (
  select row,
    regexp_replace(regexp_replace(error_message, '^.*does not match its schema: ', ''), ', got ("[^"]*"|[^;]*)', '', 'g') as cause
  from failed
)
select cause, count(*)::int as airports,
  (array_agg((row ->> 'name') || ' (' || (row ->> 'country') || ')' order by (row ->> 'id')::int))[1:3] as examples
from explained
group by cause
order by airports desc, cause`;

const STOPPED = `
select kind, plugin, code, count(*)::int as jobs, sum(count)::int as times
from oppulence_worker.core_notes
group by kind, plugin, code
order by kind, plugin, code`;

const REMOTEST = `
select name, country, round(nearest_km)::int as km, nearest_iata as nearest
from demo.airports where nearest_km is not null order by nearest_km desc, id limit 1`;
