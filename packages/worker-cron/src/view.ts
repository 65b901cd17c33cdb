import type { ScheduleInput } from "./definition.ts";
import type { Schedule } from "./schedule.ts";

/** A schedule as the API and the command line show it. */
export interface ScheduleView {
  readonly key: string;
  /** Of the code, or made at run time. */
  readonly origin: "code" | "database";
  readonly state: "active" | "paused" | "disabled" | "ended";
  readonly cron: string;
  readonly timezone: string;
  readonly task: string;
  readonly payload: unknown;
  readonly description: string | undefined;
  readonly next: Date | undefined;
  readonly last: Date | undefined;
  readonly runs: number;
  /** Runs in a row that failed for good. */
  readonly failures: number;
  readonly pausedAt: Date | undefined;
  readonly pausedReason: string | undefined;
  readonly settings: Schedule["settings"];
}

/** Shows a row. */
export function toView(row: Schedule): ScheduleView {
  const date = (value: number | null) => (value === null ? undefined : new Date(value));
  const state = stateOf(row);
  return {
    key: row.key,
    origin: row.origin,
    state,
    cron: row.cron,
    timezone: row.timezone,
    task: row.task,
    payload: row.payload === null ? undefined : JSON.parse(row.payload),
    description: row.settings.description,
    next: state === "active" ? date(row.nextSlot) : undefined,
    last: date(row.lastSlot),
    runs: row.runs,
    failures: row.failures,
    pausedAt: date(row.pausedAt),
    pausedReason: row.pausedReason ?? undefined,
    settings: row.settings,
  };
}

function stateOf(row: Schedule): ScheduleView["state"] {
  if (!row.enabled) return "disabled";
  if (row.pausedAt !== null) return "paused";
  return row.nextSlot === null ? "ended" : "active";
}

/** A row as it was given to `create`. */
export function toInput({ key, cron, timezone, enabled, task, payload, settings }: Schedule) {
  const { catchUpWindowMs, catchUpCap, startAt, endAt, jitterMs, builds: _, ...rest } = settings;
  const date = (value: number | undefined) => (value === undefined ? undefined : new Date(value));
  const input = {
    ...rest,
    key,
    cron,
    timezone,
    enabled,
    task,
    payload: JSON.parse(payload ?? "{}") as unknown,
    catchUp: { window: catchUpWindowMs, cap: catchUpCap },
    startAt: date(startAt),
    endAt: date(endAt),
    jitter: jitterMs,
  };
  return Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== undefined),
  ) as unknown as ScheduleInput;
}
