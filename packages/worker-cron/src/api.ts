import type { EnqueueResult, PluginHost } from "@oppulence/worker-core";
import { type BackfillInput, type BackfillReport, backfill } from "./backfill.ts";
import { databaseNow } from "./database-time.ts";
import type { AnySchedule } from "./definition.ts";
import type { Parts } from "./parts.ts";
import { firesWithChange, type PlannedFire, planDeploy, type SchedulePlan } from "./plan.ts";
import type { HistoryFilter, SlotEvent } from "./postgres-ledger.ts";
import type { ReconcileReport } from "./reconciler.ts";
import type { RunTimeSchedules } from "./run-time-schedules.ts";
import { type PayloadOfSchedule, type ScheduleOnceOptions, scheduleOnce } from "./schedule-once.ts";
import { unknownSchedule } from "./unknown-schedule.ts";

/** The plugin's API: `worker.plugins.cron`. */
export interface CronApi {
  /** Schedules in the database: look, make, change, pause, run now. */
  readonly schedules: RunTimeSchedules;
  /** What a deploy of this code would add, change and remove; changes nothing. */
  plan(): Promise<SchedulePlan>;
  /**
   * The next fires of a schedule, in the database or else in the code, and those around the next clock change.
   *
   * @throws UnknownScheduleError
   */
  next(key: string, count?: number): Promise<readonly PlannedFire[]>;
  /** The ledger, newest slots first: what was expected, and what became of it. */
  history(filter?: HistoryFilter): Promise<readonly SlotEvent[]>;
  /** Runs slots of a time that is past: those that were missed, skipped, or are not in the ledger. */
  backfill(key: string, input: BackfillInput): Promise<BackfillReport>;
  /** Adds one run of a schedule's work, outside of its slots, in the caller's transaction if given. */
  scheduleOnce<D extends AnySchedule>(
    definition: D,
    payload: PayloadOfSchedule<D>,
    options?: ScheduleOnceOptions,
  ): Promise<EnqueueResult>;
  /** What the worker does at its start and when it finds drift. */
  reconcile(): Promise<ReconcileReport>;
}

/** Makes the API. */
export function createApi(host: PluginHost<unknown>, parts: Parts): CronApi {
  const { table, ledger, reconciler, slots, firer, schedules } = parts;
  return {
    schedules,
    plan: () => planDeploy(host.query, table, parts.registry(), slots),
    async next(key, count = 10) {
      const [row] = await table.list(host.query, [key]);
      const spec = row ?? parts.registry().schedules.get(key)?.spec;
      if (spec === undefined) throw await unknownSchedule(host.query, table, key);
      return firesWithChange(slots.of(spec), await databaseNow(host.query), count);
    },
    history: (filter = {}) => ledger.history(host.query, filter),
    backfill: (key, input) => backfill({ host, table, firer, slots }, key, input),
    scheduleOnce: (definition, payload, options) =>
      scheduleOnce(host, definition, payload, options),
    reconcile: () => reconciler.reconcile(),
  };
}
