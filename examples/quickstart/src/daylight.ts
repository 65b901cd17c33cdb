import { setTimeout as sleep } from "node:timers/promises";
import type { AddJobs, Events, Query } from "@oppulence/worker-core";
import type { AlmanacCalls } from "./almanac.ts";
import { MOST_WHILE_DOWN } from "./almanac-guards.ts";
import { type Held, watchHeld } from "./held-jobs.ts";
import { fetchDaylight } from "./tasks/fetch-daylight.ts";

/** What came of asking the almanac. */
export interface Daylight {
  /** Jobs that were added, one a country. */
  readonly added: number;
  /** Countries that have an answer. */
  readonly done: number;
  /** By the almanac's own count. */
  readonly calls: AlmanacCalls;
  readonly held: Held;
  /** How often the circuit opened, failed probes included. */
  readonly openings: number;
  /** Attempts of the jobs that are done: as many as there were calls, if waiting cost none. */
  readonly attempts: number;
  readonly longest: { readonly country: string; readonly hours: number } | undefined;
}

/** Between two looks; a job is parked for longer. */
const LOOK_MS = 50;
/** What is not answered by then is lost. It takes about eight seconds. */
const MOST_MS = 45_000;

/**
 * Asks the almanac about every country that has an airport, one job each, and waits until no job is left.
 *
 * @param calls - what the almanac has counted
 * @param interrupted - ends it early
 */
export async function askAlmanac(
  worker: { readonly addJobs: AddJobs; readonly query: Query; readonly events: Events },
  calls: () => AlmanacCalls,
  interrupted: AbortSignal,
): Promise<Daylight> {
  const { query } = worker;
  const countries = await query<{ country: string; latitude: number }>(COUNTRIES);
  const jobs = watchHeld(query, worker.events, fetchDaylight.identifier);
  try {
    await worker.addJobs(countries.map((payload) => ({ task: fetchDaylight, payload })));
    const end = performance.now() + MOST_MS;
    while ((await jobs.look()) > 0 && performance.now() < end && !interrupted.aborted)
      await sleep(LOOK_MS);
  } finally {
    jobs.close();
  }
  const [sums] = await query<Pick<Daylight, "done" | "attempts" | "openings">>(SUMS);
  const [longest] = await query<NonNullable<Daylight["longest"]>>(LONGEST);
  return {
    added: countries.length,
    ...(sums as NonNullable<typeof sums>),
    calls: calls(),
    held: jobs.held(),
    longest,
  };
}

/** How often the almanac was called, whatever it answered. */
export function countCalls({ answered, overLimit, whileDown }: AlmanacCalls): number {
  return answered + overLimit + whileDown;
}

/**
 * Checks that nothing was lost to the limit and the outage.
 *
 * @returns a sentence for each thing that does not add up
 */
export function findLosses({ added, done, attempts, calls, openings }: Daylight): string[] {
  const problems: string[] = [];
  if (done !== added)
    problems.push(
      `the almanac was to be asked about ${added} countries, and ${done} have an answer`,
    );
  const all = countCalls(calls);
  if (attempts !== all)
    problems.push(`jobs that are done had ${attempts} attempts, and the almanac ${all} calls`);
  if (calls.overLimit > 0)
    problems.push(`the almanac was called ${calls.overLimit} times over its limit`);
  if (calls.whileDown > MOST_WHILE_DOWN)
    problems.push(
      `the almanac was called ${calls.whileDown} times while it was down; ${MOST_WHILE_DOWN} at most may reach it`,
    );
  if (calls.whileDown > 0 && openings === 0)
    problems.push("the almanac was down, and its circuit did not open");
  return problems;
}

const COUNTRIES = `
select country, degrees(asin(avg(z)))::float8 as latitude
from demo.airports group by country order by country`;

const SUMS = `
select count(*)::int as done, coalesce(sum(attempts), 0)::int as attempts,
  (select count(*)::int from oppulence_worker.breaker_transitions
    where dependency = 'almanac' and to_state = 'open') as openings
from demo.daylight`;

const LONGEST = `
select country, round(hours::numeric, 1)::float8 as hours
from demo.daylight order by daylight.hours desc, country limit 1`;
