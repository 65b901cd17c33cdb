export type { CronApi } from "./api.ts";
export type { BackfillInput, BackfillReport } from "./backfill.ts";
export { CronExpression } from "./cron/expression.ts";
export {
  type AnySchedule,
  type Calendar,
  type CatchUp,
  defineSchedule,
  type Misfire,
  type Overlap,
  type ScheduleContext,
  type ScheduledJobDefinition,
  type ScheduleInput,
  type ScheduleRules,
  type Slot,
} from "./definition.ts";
export {
  type CronFieldName,
  InvalidCronError,
  InvalidScheduleError,
  isInvalidCronError,
  isInvalidScheduleError,
  isScheduleTimeoutError,
  isUnknownScheduleError,
  isUnknownTimezoneError,
  ScheduleTimeoutError,
  UnknownScheduleError,
  UnknownTimezoneError,
} from "./errors.ts";
export type { CronOptions, ResolvedCronOptions } from "./options.ts";
export type { PlannedFire, PlannedSchedule, SchedulePlan } from "./plan.ts";
export { type CronPlugin, cron } from "./plugin.ts";
export type { HistoryFilter, SlotEvent, SlotSource, SlotStatus } from "./postgres-ledger.ts";
export type { ReconcileReport } from "./reconciler.ts";
export type { RunTimeSchedules, ScheduleChange } from "./run-time-schedules.ts";
export type { ScheduleOnceOptions } from "./schedule-once.ts";
export type { ScheduleView } from "./view.ts";
