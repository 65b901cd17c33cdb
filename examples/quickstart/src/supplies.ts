import { setTimeout as sleep } from "node:timers/promises";
import type { Query } from "@oppulence/worker-core";
import type { SagaApi } from "@oppulence/worker-saga";
import { PRICE_CENTS, RANGE_KM, supply } from "./workflows/supply.ts";

/** What came of ordering a kit for every country that has a remote airport. */
export interface Supplies {
  readonly ordered: number;
  readonly flown: number;
  /** Orders that failed, and were undone. */
  readonly undone: number;
  /** Countries whose remotest airport is out of range, by the airports' own table. */
  readonly outOfRange: number;
  /** Kits that are not on the shelf. */
  readonly kitsOut: number;
  /** Of all bookings and their reversals. */
  readonly cents: number;
  readonly filed: number;
  /** One order that was undone: why, and its graph. */
  readonly example:
    | { readonly id: string; readonly failure: string; readonly graph: string }
    | undefined;
}

const LOOK_MS = 50;
const UNDER_WAY = ["pending", "running", "compensating"] as const;

/**
 * Orders a kit for each country, and waits until no order is under way.
 *
 * @param interrupted - ends it early
 */
export async function orderSupplies(
  worker: { readonly query: Query; readonly plugins: { readonly saga: SagaApi } },
  interrupted: AbortSignal,
): Promise<Supplies> {
  const { query, plugins } = worker;
  const { saga } = plugins;
  const countries = await query<{ country: string }>(COUNTRIES);
  await query("insert into demo.kits (id) select generate_series(1, $1::int)", [countries.length]);
  await Promise.all(
    countries.map((input) => saga.start(supply, input, { id: `supply-${input.country}` })),
  );
  while (!interrupted.aborted) {
    const [one] = await saga.list({ workflow: supply.name, states: UNDER_WAY, limit: 1 });
    if (one === undefined) break;
    await sleep(LOOK_MS);
  }
  const [counts] = await query<Omit<Supplies, "ordered" | "example">>(COUNTS, [RANGE_KM]);
  const [undone] = await saga.list({ workflow: supply.name, states: ["compensated"], limit: 1 });
  const example = undone && {
    id: undone.id,
    failure: undone.failure ?? "",
    graph: await saga.graph(undone.id),
  };
  return { ordered: countries.length, ...(counts as NonNullable<typeof counts>), example };
}

/**
 * Checks that every order was done or undone, whole.
 *
 * @returns a sentence for each thing that does not add up
 */
export function findLeftovers(supplies: Supplies): string[] {
  const { ordered, flown, undone, outOfRange, kitsOut, cents, filed } = supplies;
  const problems: string[] = [];
  if (flown + undone !== ordered)
    problems.push(`${ordered} kits were ordered; ${flown} were flown and ${undone} orders undone`);
  if (undone !== outOfRange)
    problems.push(`${outOfRange} airports are out of range, and ${undone} orders were undone`);
  if (kitsOut !== flown)
    problems.push(`${kitsOut} kits left the shelf for ${flown} that were flown`);
  if (cents !== flown * PRICE_CENTS)
    problems.push(
      `${flown} kits were flown, and ${cents} cents booked, not ${flown * PRICE_CENTS}`,
    );
  if (filed !== ordered) problems.push(`${ordered} kits were ordered, and ${filed} orders filed`);
  return problems;
}

const COUNTRIES = `
select distinct country from demo.airports where nearest_km is not null order by country`;

const COUNTS = `
select
  (select count(*)::int from oppulence_worker.saga_runs where workflow = 'supply' and state = 'succeeded') as flown,
  (select count(*)::int from oppulence_worker.saga_runs where workflow = 'supply' and state = 'compensated') as undone,
  (select count(*)::int from (select max(round(nearest_km)) as km from demo.airports group by country) as far
    where km > $1) as "outOfRange",
  (select count(*)::int from demo.kits where run is not null) as "kitsOut",
  (select coalesce(sum(cents), 0)::int from demo.bookings) as cents,
  (select count(*)::int from demo.orders) as filed`;
