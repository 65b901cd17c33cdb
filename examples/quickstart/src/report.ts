import { MOST_WHILE_DOWN } from "./almanac-guards.ts";
import { countCalls, type Daylight } from "./daylight.ts";
import type { Summary } from "./summary.ts";
import type { Supplies } from "./supplies.ts";

const number = (value: number) => value.toLocaleString("en");
const plural = (count: number, noun: string) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

/** The summary for people. */
export function formatSummary(
  summary: Summary & { readonly daylight: Daylight; readonly supplies: Supplies },
): string {
  const { airports, deliveries, countries, remotest, failures, stopped } = summary;
  return [
    "",
    `${number(airports.staged)} airports in: ${number(airports.written)} written, ${number(airports.failed)} in the dead letter queue, ${number(airports.skipped)} skipped`,
    `${summary.seconds.toFixed(1)} s, ${number(summary.jobsPerSecond)} airports a second`,
    `staged by a schedule by the second, in ${plural(deliveries.slots, "slot")}, each in its ledger as succeeded once`,
    "",
    `Repaired: ${plural(airports.repaired, "airport")} with a wrong IATA code, reprocessed from the dead letters without one`,
    "",
    "Dead letters, by cause:",
    ...(failures.length === 0 ? ["  none"] : []),
    ...failures.flatMap(({ cause, airports: count, examples }) => [
      `  ${number(count).padStart(5)}  ${cause}`,
      `         such as ${examples.join(", ")}`,
    ]),
    "",
    "Held back by plugins:",
    ...(stopped.length === 0 ? ["  nothing"] : []),
    ...stopped.map(
      ({ kind, plugin, code, jobs, times }) =>
        `  ${number(jobs).padStart(5)}  ${kind} by ${plugin} (${code}), ${plural(times, "time")} in all`,
    ),
    "",
    `${plural(countries.surveyed, "country").replace("countrys", "countries")} surveyed in ${plural(countries.surveys, "job")}`,
    ...(remotest === undefined
      ? []
      : [
          `farthest from an airport with an IATA code of its own country: ${remotest.name} (${remotest.country}), ${number(remotest.km)} km from ${remotest.nearest}`,
        ]),
    `${plural(countries.staleOffsets, "airport")} whose UTC offset in the data is not what its time zone says`,
    "",
    ...formatDaylight(summary.daylight),
    "",
    ...formatSupplies(summary.supplies),
  ].join("\n");
}

const row = (count: number, text: string) => `  ${number(count).padStart(5)}  ${text}`;

function formatDaylight({ added, done, calls, held, attempts, ...rest }: Daylight): string[] {
  const all = countCalls(calls);
  const { longest } = rest;
  return [
    "Asking an almanac, which is limited and went down, about every country:",
    row(added, "jobs added"),
    row(done, `jobs done, ${number(added - done)} lost`),
    row(held.byLimiter, "jobs held back by the limiter"),
    row(
      held.byBreaker,
      `jobs held back by the breaker, which opened ${plural(rest.openings, "time")}`,
    ),
    row(all, "calls that the almanac saw"),
    row(calls.overLimit, "of them over its limit (429)"),
    row(
      calls.whileDown,
      `of them while it was down (503), where at most ${MOST_WHILE_DOWN} may be`,
    ),
    row(Math.max(0, attempts - all), `attempts lost to waiting, of ${number(attempts)}`),
    ...(longest === undefined
      ? []
      : [`the longest day: ${longest.hours} h, in ${longest.country}`]),
  ];
}

function formatSupplies({ ordered, flown, undone, kitsOut, cents, example }: Supplies): string[] {
  return [
    "Ordering a kit for every country's remotest airport, a workflow of five steps:",
    row(ordered, "orders"),
    row(flown, "flown"),
    row(undone, "out of range: their last step failed, and what the others did was undone"),
    row(kitsOut, "kits that are not on the shelf"),
    row(cents / 100, "dollars booked, after what was undone"),
    ...(example === undefined
      ? []
      : ["", `${example.id}: ${example.failure}`, "", ...example.graph.split("\n")]),
  ];
}

const CLI = "npm run cli -- --config examples/quickstart/worker.config.ts";

/** What can be done with the worker and the database while they are kept. */
export function formatWhatToTry(
  databaseUrl: string,
  metricsUrl: string | undefined,
  deadLetter: string | undefined,
): string {
  return `
Kept until Ctrl-C. Try, in another terminal:
  curl ${metricsUrl}/metrics
  curl ${metricsUrl}/readyz
  export DATABASE_URL=${databaseUrl}
  psql $DATABASE_URL -c 'select * from demo.countries order by airports desc limit 10'
  ${CLI} plugins
  ${CLI} schedule history --limit 5
  ${CLI} limits list
  ${CLI} breaker list
  ${CLI} workflow list --state compensated --limit 5
  ${CLI} dlq groups
  ${CLI} dlq show ${deadLetter ?? "1"}`;
}
