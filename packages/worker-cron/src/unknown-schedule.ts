import { didYouMean, type Query } from "@oppulence/worker-core";
import { UnknownScheduleError } from "./errors.ts";
import type { ScheduleTable } from "./postgres-schedules.ts";

const MOST_KEYS = 10_000;

/** The error for a key that no schedule has, with the one that was probably meant. */
export async function unknownSchedule(
  query: Query,
  table: ScheduleTable,
  key: string,
): Promise<UnknownScheduleError> {
  const keys = (await table.list(query, undefined, MOST_KEYS)).map((row) => row.key);
  return new UnknownScheduleError(key, didYouMean(key, keys));
}
