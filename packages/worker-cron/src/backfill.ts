import type { PluginHost } from "@oppulence/worker-core";
import { databaseNow } from "./database-time.ts";
import { InvalidScheduleError } from "./errors.ts";
import type { FiringSlot, SlotFirer } from "./fire-slots.ts";
import type { ScheduleTable } from "./postgres-schedules.ts";
import type { SlotCache } from "./schedule.ts";
import { unknownSchedule } from "./unknown-schedule.ts";

/** Which slots to fill back. */
export interface BackfillInput {
  readonly from: Date;
  /** Not beyond now. */
  readonly to: Date;
  /** Only count. @defaultValue `false` */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number) => void;
}

/** What a backfill did. */
export interface BackfillReport {
  /** Slots in the range. */
  readonly slots: number;
  /** Runs that were added: those of slots that were missed or skipped, or are not in the ledger. */
  readonly added: number;
}

const MOST = 10_000;
const PAGE = 250;

/**
 * Runs a schedule's slots of a time that is past: those that have no run yet.
 *
 * @throws UnknownScheduleError; InvalidScheduleError for a range that is none, or has more than 10,000 slots
 */
export async function backfill(
  parts: {
    readonly host: PluginHost<unknown>;
    readonly table: ScheduleTable;
    readonly firer: SlotFirer;
    readonly slots: SlotCache;
  },
  key: string,
  input: BackfillInput,
): Promise<BackfillReport> {
  const { host, table, firer, slots } = parts;
  const [row] = await table.list(host.query, [key]);
  if (row === undefined) throw await unknownSchedule(host.query, table, key);
  const from = instant(key, "from", input.from);
  const to = Math.min(instant(key, "to", input.to), await databaseNow(host.query));
  if (to < from)
    throw new InvalidScheduleError(key, [
      "to: lies before from; it is a later instant that is past",
    ]);
  const found = slots.of(row).list(from - 1, MOST + 1);
  const wanted = found.filter((slot) => slot <= to);
  if (wanted.length > MOST)
    throw new InvalidScheduleError(key, [`from, to: hold more than ${MOST} slots; choose fewer`]);
  if (input.dryRun === true) return { slots: wanted.length, added: 0 };
  let added = 0;
  for (let at = 0; at < wanted.length && input.signal?.aborted !== true; at += PAGE) {
    const page = wanted.slice(at, at + PAGE);
    added += await host.transaction(async (query) => {
      // Nobody fires the schedule meanwhile.
      const schedule = await table.lock(query, key);
      if (schedule === undefined) return 0;
      const firing: FiringSlot[] = page.map((slot, index) => ({
        schedule,
        slot,
        previous: wanted[at + index - 1],
        source: "backfill",
      }));
      const fired = await firer.fire(query, firing, ["missed", "skipped"]);
      return fired.filter(({ status }) => status === "scheduled").length;
    });
    input.onProgress?.(Math.min(at + PAGE, wanted.length));
  }
  return { slots: wanted.length, added };
}

function instant(key: string, name: string, value: Date): number {
  const time = value instanceof Date ? value.getTime() : Number.NaN;
  if (Number.isNaN(time)) throw new InvalidScheduleError(key, [`${name}: got no valid Date`]);
  return time;
}
