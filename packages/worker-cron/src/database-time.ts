import type { Query } from "@oppulence/worker-core";

/** The database's clock, in milliseconds since the epoch: what all processes agree on. */
export async function databaseNow(query: Query): Promise<number> {
  const [row] = await query<{ now: number }>(
    "select (extract(epoch from clock_timestamp()) * 1000)::float8 as now",
  );
  return row?.now ?? Date.now();
}
