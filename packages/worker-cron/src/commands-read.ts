import type { Command } from "@oppulence/worker-core";
import type { CronApi } from "./api.ts";
import { FOUND_NOTHING, readCount, readTime, text } from "./command-values.ts";
import type { PlannedFire, SchedulePlan } from "./plan.ts";
import type { SlotStatus } from "./postgres-ledger.ts";
import type { ScheduleView } from "./view.ts";

const LIST_COLUMNS = [
  "key",
  "state",
  "cron",
  "timezone",
  "next",
  "last",
  "runs",
  "origin",
  "warning",
];
const HISTORY_COLUMNS = [
  "scheduledAt",
  "key",
  "status",
  "late",
  "took",
  "attempts",
  "jobId",
  "error",
];
const KEY = { name: "<key>", description: "the schedule's key" };

/** `schedule list`, `plan`, `next` and `history`: they change nothing. */
export function readCommands(api: CronApi, now: () => number): Command[] {
  const list: Command = {
    name: "schedule list",
    description: "list schedules with their next runs, and what is wrong with them",
    async run({ io }) {
      const plan = await api.plan();
      const views = await api.schedules.list();
      io.table(
        views.map((view) => ({ ...view, warning: warningOf(view, plan) })),
        LIST_COLUMNS,
      );
      for (const { key, action } of plan.schedules)
        if (action === "add") io.warn(`${key} is in the code, and not deployed yet`);
      return views.length === 0 ? FOUND_NOTHING : 0;
    },
  };
  const plan: Command = {
    name: "schedule plan",
    description: "show what a deploy of this code would add, change and remove; changes nothing",
    async run({ io }) {
      const found = await api.plan();
      if (io.json) io.record({ ...found });
      for (const { key, action, fields, cron, timezone, fires } of found.schedules) {
        const what = fields.length === 0 ? "" : ` (${fields.join(", ")})`;
        io.line(`${action} ${key}${what}: ${cron} in ${timezone}`);
        for (const fire of fires) io.line(`  ${showFire(fire)}`);
      }
      for (const key of found.taken)
        io.warn(`${key} would not run: a schedule that was made at run time has this key`);
      io.line(`${found.schedules.length} to change, ${found.unchanged} unchanged`);
    },
  };
  const next: Command = {
    name: "schedule next",
    description: "show the next runs of a schedule, and those around the next clock change",
    arguments: [KEY],
    options: [{ flags: "--count <number>", description: "how many; 10 unless given" }],
    async run({ args, options, io }) {
      const fires = await api.next(args["key"] as string, readCount(options["count"], "--count"));
      io.table(
        fires.map((fire) => ({ ...fire, clockChange: fire.clockChange ? "clock change" : "" })),
        ["at", "local", "clockChange"],
      );
      return fires.length === 0 ? FOUND_NOTHING : 0;
    },
  };
  const history: Command = {
    name: "schedule history",
    description: "show slots, newest first: what was expected, and what became of it",
    arguments: [{ name: "[key]", description: "of this schedule only" }],
    options: [
      {
        flags: "--status <status>",
        description: "scheduled, started, succeeded, failed, missed or skipped",
      },
      { flags: "--since <time>", description: "2026-03-01T10:00:00Z, or 2h ago as 2h" },
      { flags: "--until <time>", description: "before this time" },
      { flags: "--limit <number>", description: "at most so many; 50 unless given" },
    ],
    async run({ args, options, io }) {
      const events = await api.history({
        key: text(args["key"]),
        status: text(options["status"]) as SlotStatus | undefined,
        since: readTime(options["since"], "--since", now()),
        until: readTime(options["until"], "--until", now()),
        limit: readCount(options["limit"], "--limit"),
      });
      io.table(
        events.map((event) => ({
          ...event,
          late: seconds(event.scheduledAt, event.startedAt),
          took: seconds(event.startedAt, event.completedAt),
        })),
        HISTORY_COLUMNS,
      );
      return events.length === 0 ? FOUND_NOTHING : 0;
    },
  };
  return [list, plan, next, history];
}

function warningOf(view: ScheduleView, { schedules }: SchedulePlan): string {
  const planned = schedules.find(({ key }) => key === view.key);
  return [
    ...(planned === undefined
      ? []
      : [
          planned.action === "remove"
            ? "not in this code"
            : `differs from this code: ${planned.fields.join(", ")}`,
        ]),
    ...(view.pausedReason === undefined ? [] : [`paused: ${view.pausedReason}`]),
    ...(view.failures === 0 ? [] : [`failed ${view.failures} times in a row`]),
  ].join("; ");
}

function showFire({ at, local, clockChange }: PlannedFire): string {
  return `${at.toISOString()}  ${local}${clockChange ? "  clock change" : ""}`;
}

function seconds(from: Date | undefined, to: Date | undefined): string {
  if (from === undefined || to === undefined) return "";
  return `${((to.getTime() - from.getTime()) / 1_000).toFixed(1)}s`;
}
