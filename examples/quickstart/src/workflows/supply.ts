import { defineWorkflow } from "@oppulence/worker-saga";
import { z } from "zod";

/** What a kit costs. */
export const PRICE_CENTS = 120_000;
/** How far the plane that brings it flies from an airport with an IATA code. */
export const RANGE_KM = 400;

const NO_DEAD_LETTER = { dlq: false } as const;

/**
 * Supplies a country's remotest airport with a kit: an order of four steps. Where the airport is out of range, the
 * last one fails, and what the others did is undone, the last first.
 */
export const supply = defineWorkflow({
  name: "supply",
  input: z.object({ country: z.string().min(1) }),
  deadline: "1m",
  steps: (flow) =>
    flow
      .step({
        id: "reserve",
        // The kit leaves the shelf in the transaction that records the step: exactly once.
        transactional: true,
        async execute({ query, run }) {
          const [kit] = await query<{ id: number }>(RESERVE, [run.id]);
          if (kit === undefined) throw new Error("there is no kit on the shelf");
          return { kit: kit.id };
        },
        compensate: ({ query, run }) => query(RETURN, [run.id]),
      })
      .step({
        id: "charge",
        taskOptions: NO_DEAD_LETTER,
        // The key is the same at every attempt: one that is repeated charges nothing more.
        async execute({ query, input, idempotencyKey }) {
          await query(BOOK, [idempotencyKey, input.country, PRICE_CENTS]);
          return { cents: PRICE_CENTS };
        },
        compensate: ({ query, input, idempotencyKey, result }) =>
          query(BOOK, [idempotencyKey, input.country, -(result?.cents ?? PRICE_CENTS)]),
      })
      .step({
        id: "route",
        dependsOn: [],
        async execute({ query, input }) {
          const [leg] = await query<Leg>(ROUTE, [input.country]);
          if (leg === undefined) throw new Error(`${input.country} has no remote airport`);
          return leg;
        },
      })
      .step({
        id: "fly",
        dependsOn: ["reserve", "charge", "route"],
        retry: { maxAttempts: 1 },
        taskOptions: NO_DEAD_LETTER,
        execute({ results: { reserve, route } }) {
          if (route.km > RANGE_KM)
            throw new Error(
              `${route.to} is ${route.km} km from ${route.from}; the plane flies ${RANGE_KM}`,
            );
          return { kit: reserve.kit, ...route };
        },
      })
      .always({
        id: "file",
        dependsOn: ["fly"],
        async execute({ query, run, input, failure }) {
          await query(FILE, [run.id, input.country, failure?.message ?? null]);
        },
      }),
});

/** A flight to a remote airport. */
interface Leg {
  readonly from: string;
  readonly to: string;
  readonly km: number;
}

const RESERVE = `
update demo.kits set run = $1
where id = (select id from demo.kits where run is null order by id limit 1 for update skip locked)
returning id`;

const RETURN = "update demo.kits set run = null where run = $1";

const BOOK = `
insert into demo.bookings (key, country, cents) values ($1, $2, $3)
on conflict (key) do nothing`;

const ROUTE = `
select nearest_iata as "from", name as "to", round(nearest_km)::int as km
from demo.airports where country = $1 and nearest_km is not null
order by nearest_km desc, id limit 1`;

const FILE = `
insert into demo.orders (run, country, failure) values ($1, $2, $3)
on conflict (run) do nothing`;
