import { type PluginHost, parseDuration } from "@oppulence/worker-core";
import { SlotFirer } from "./fire-slots.ts";
import { Firing } from "./firing.ts";
import { KnownSchedules } from "./known-schedules.ts";
import { Maintenance } from "./maintenance.ts";
import { type CronMetrics, createMetrics } from "./metrics.ts";
import type { ResolvedCronOptions } from "./options.ts";
import { PayloadBuilder } from "./payload-builder.ts";
import { Ledger } from "./postgres-ledger.ts";
import { RegistryTable } from "./postgres-registries.ts";
import { ScheduleTable } from "./postgres-schedules.ts";
import { ScheduleReconciler } from "./reconciler.ts";
import { Recorder } from "./recorder.ts";
import type { Registry } from "./registry.ts";
import { RoundReport } from "./round-report.ts";
import { RunTimeSchedules } from "./run-time-schedules.ts";
import { type Schedule, SlotCache, specText } from "./schedule.ts";
import { Ticker } from "./ticker.ts";
import { withdraw } from "./withdraw.ts";

/** What the plugin of one worker or client is made of. */
export interface Parts {
  readonly registry: () => Registry;
  readonly metrics: CronMetrics;
  readonly table: ScheduleTable;
  readonly ledger: Ledger;
  readonly registries: RegistryTable;
  readonly slots: SlotCache;
  readonly firer: SlotFirer;
  readonly firing: Firing;
  readonly ticker: Ticker;
  readonly recorder: Recorder;
  readonly reconciler: ScheduleReconciler;
  readonly maintenance: Maintenance;
  readonly schedules: RunTimeSchedules;
}

/** The part of `@oppulence/worker-retry` that cancels jobs wherever they run. */
interface Canceller {
  cancel(ids: readonly string[], reason: string): Promise<readonly string[]>;
}

/** The plugin that cancels running jobs, if it is installed. */
export function cancellerOf(host: PluginHost<unknown>): Canceller | undefined {
  return host.plugin("retry" as never) as Canceller | undefined;
}

/** Puts the parts together; nothing is started. */
export function createParts(
  host: PluginHost<ResolvedCronOptions>,
  registry: () => Registry,
): Parts {
  const { options, clock, logger, engine, query, schema } = host;
  const ms = (
    name: "misfireAfter" | "pollInterval" | "takeoverAfter" | "retention" | "buildTimeout",
  ) => parseDuration(options[name], `plugin cron, ${name}`);
  const metrics = createMetrics(host.meter);
  const table = new ScheduleTable(schema);
  const ledger = new Ledger(schema);
  const registries = new RegistryTable(schema);
  const slots = new SlotCache();
  const builder = new PayloadBuilder(registry, clock, ms("buildTimeout"));
  const firer = new SlotFirer(host, ledger, builder);
  const retentionMs = ms("retention");
  const known = new KnownSchedules({
    table,
    slots,
    registry,
    canFire: (code, schedule) => canFire(host, code, schedule),
  });
  const firing = new Firing({
    host,
    table,
    ledger,
    firer,
    known,
    batchSize: options.batchSize,
    misfireAfterMs: ms("misfireAfter"),
    retentionMs,
  });
  const ticker = new Ticker({
    host,
    clock,
    table,
    firing,
    metrics,
    batchSize: options.batchSize,
    pollMs: ms("pollInterval"),
    report: new RoundReport({
      host,
      metrics,
      cancel: (ids, reason) => cancelJobs(host, ids, reason),
    }),
  });
  const onChanged = () => {
    firing.forgetLeft();
    ticker.wake();
  };
  const recorder = new Recorder({
    async write(reports) {
      const paused = await ledger.report(query, reports);
      if (paused.length === 0) return;
      for (const key of paused)
        logger.error(`schedule ${key} is paused: too many runs in a row failed`);
      await host.transaction((transaction) => withdraw(engine, ledger, transaction, paused));
    },
    onError(error) {
      metrics.errors.add(1, { what: "record" });
      logger.warn("could not record that runs have started", { error });
    },
  });
  const reconciler = new ScheduleReconciler({
    host,
    table,
    ledger,
    registries,
    slots,
    metrics,
    takeoverMs: ms("takeoverAfter"),
    registry,
    onChanged,
  });
  const maintenance = new Maintenance({ host, engine, ledger, retentionMs });
  const schedules = new RunTimeSchedules({ host, table, ledger, firer, slots, metrics, onChanged });
  return {
    registry,
    metrics,
    table,
    ledger,
    registries,
    slots,
    firer,
    firing,
    ticker,
    recorder,
    reconciler,
    maintenance,
    schedules,
  };
}

/**
 * A schedule of the code is fired where the code has it as it is deployed: during a deploy the other version may
 * lack its task, or want another payload. One of the database is fired where its task is known.
 */
function canFire({ tasks }: PluginHost<unknown>, { schedules }: Registry, schedule: Schedule) {
  if (schedule.origin === "database") return tasks.has(schedule.task);
  const registered = schedules.get(schedule.key);
  return registered !== undefined && registered.text === specText(schedule);
}

/** Those that wait are removed, those that run are told. */
async function cancelJobs(
  host: PluginHost<unknown>,
  ids: readonly string[],
  reason: string,
): Promise<void> {
  const removed = new Set(await host.engine.remove(ids));
  const left = ids.filter((id) => !removed.has(id));
  if (left.length > 0) await cancellerOf(host)?.cancel(left, reason);
}
