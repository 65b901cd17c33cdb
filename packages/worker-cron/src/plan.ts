import type { Query } from "@oppulence/worker-core";
import { databaseNow } from "./database-time.ts";
import type { ScheduleTable } from "./postgres-schedules.ts";
import { planReconcile } from "./reconcile-plan.ts";
import type { Registry } from "./registry.ts";
import type { ScheduleSpec, SlotCache } from "./schedule.ts";
import type { Slots } from "./slots.ts";

/** A slot of a plan. */
export interface PlannedFire {
  readonly at: Date;
  /** As the zone's clock shows it: `2026-03-29 03:00:00 +02:00`. */
  readonly local: string;
  /** Within a day of a change of the zone's clock. */
  readonly clockChange: boolean;
}

/** A schedule of a plan. */
export interface PlannedSchedule {
  readonly key: string;
  readonly action: "add" | "change" | "remove";
  /** What differs. */
  readonly fields: readonly string[];
  readonly cron: string;
  readonly timezone: string;
  /** The next ten, then those around the zone's next change; none of one that is removed. */
  readonly fires: readonly PlannedFire[];
}

/** What a deploy would do. */
export interface SchedulePlan {
  readonly schedules: readonly PlannedSchedule[];
  readonly unchanged: number;
  /** Keys of the code that schedules made at run time have. */
  readonly taken: readonly string[];
}

const DAY_MS = 86_400_000;
const FIRES = 10;
const AROUND = 2;

/** Compares code and database, and changes nothing. */
export async function planDeploy(
  query: Query,
  table: ScheduleTable,
  registry: Registry,
  slots: SlotCache,
): Promise<SchedulePlan> {
  const now = await databaseNow(query);
  const plan = planReconcile(registry, await table.list(query));
  const show =
    (action: "add" | "change") =>
    ({ spec, fields }: { readonly spec: ScheduleSpec; readonly fields: readonly string[] }) => ({
      key: spec.key,
      action,
      fields,
      cron: spec.cron,
      timezone: spec.timezone,
      fires: spec.enabled ? firesWithChange(slots.of(spec), now, FIRES) : [],
    });
  return {
    schedules: [
      ...plan.add.map(show("add")),
      ...plan.change.map(show("change")),
      ...plan.remove.map(({ key, cron, timezone }) => ({
        key,
        action: "remove" as const,
        fields: [],
        cron,
        timezone,
        fires: [],
      })),
    ],
    unchanged: plan.unchanged,
    taken: plan.taken,
  };
}

/** The next slots, then those around the next change of the zone's clock, if it comes within a year. */
export function firesWithChange(slots: Slots, after: number, count: number): PlannedFire[] {
  const { zone } = slots.expression;
  const change = zone.nextTransition(after, after + 366 * DAY_MS)?.at;
  const first = slots.list(after, count);
  const around =
    change === undefined
      ? []
      : [...before(slots, change, after), ...slots.list(change - 1, AROUND)];
  const all = [...new Set([...first, ...around])].sort((a, b) => a - b);
  return all.map((at) => ({
    at: new Date(at),
    local: localTime(at, zone.offsetAt(at)),
    clockChange: change !== undefined && Math.abs(at - change) <= DAY_MS,
  }));
}

/** Slots of the day before a change. */
function before(slots: Slots, change: number, after: number): number[] {
  const found: number[] = [];
  let at = slots.expression.previous(change);
  while (at !== undefined && at > after && at >= change - DAY_MS && found.length < AROUND) {
    if (slots.next(at - 1) === at) found.push(at);
    at = slots.expression.previous(at);
  }
  return found;
}

/** An instant as a zone's clock shows it. */
function localTime(instant: number, offset: number): string {
  const [date, time] = new Date(instant + offset).toISOString().slice(0, 19).split("T");
  const minutes = Math.abs(offset) / 60_000;
  const two = (number: number) => String(Math.floor(number)).padStart(2, "0");
  return `${date} ${time} ${offset < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}
