import type { Query } from "@oppulence/worker-core";
import { defineSchedule } from "@oppulence/worker-cron";

/** Rows that one delivery has: the whole file comes in four. */
const DELIVERY = 2_000;

/** By the second, takes the next rows that were delivered. */
export const stageAirports = defineSchedule({
  key: "stage-airports",
  cron: "* * * * * *",
  overlap: "skip",
  handler: (_, { query, scheduledAt }) => stageNext(query, scheduledAt),
});

/**
 * Moves the next rows to `demo.raw_airports`, whose trigger adds their jobs: in one statement, so that a run that
 * is cut off and comes again takes no row twice and leaves none out.
 *
 * @param slot - of the schedule
 */
export async function stageNext(query: Query, slot: Date): Promise<void> {
  await query(
    `with next as (
  delete from demo.deliveries where id in (select id from demo.deliveries order by id limit $1) returning id, row
)
insert into demo.raw_airports (id, row, slot) select id, row, $2 from next`,
    [DELIVERY, slot],
  );
}
