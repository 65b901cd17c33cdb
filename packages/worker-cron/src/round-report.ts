import { messageOf, type PluginHost } from "@oppulence/worker-core";
import { correlationOf } from "./fire-slots.ts";
import type { Round } from "./firing.ts";
import { type CronMetrics, countSlot } from "./metrics.ts";

/** What {@link RoundReport} needs. */
export interface RoundReportInput {
  readonly host: Pick<PluginHost<unknown>, "logger">;
  readonly metrics: CronMetrics;
  /** Cancels jobs of earlier slots. Not awaited: it may take a while, and nothing waits for it. */
  readonly cancel: (jobIds: readonly string[], reason: string) => Promise<unknown>;
}

/** Tells what rounds have done. */
export class RoundReport {
  readonly #input: RoundReportInput;
  /** Keys of schedules that are left to others, which was said. */
  readonly #told = new Set<string>();

  constructor(input: RoundReportInput) {
    this.#input = input;
  }

  /** Counts and logs a round, and has the jobs of earlier slots give way. */
  tell({ fired, passed, cancel, left, now }: Round): void {
    const { host, metrics } = this.#input;
    for (const { key, task } of left) {
      if (this.#told.has(key)) continue;
      this.#told.add(key);
      host.logger.warn(
        `schedule ${key} (task ${task}) is left to other processes: this one does not have it as it is deployed`,
      );
    }
    for (const { schedule, slot, status, jobId, error } of fired) {
      const { key } = schedule;
      countSlot(metrics, key, status);
      metrics.drift.set(Math.max(0, now - slot) / 1_000, { job_key: key });
      const what = `schedule ${key}, slot ${new Date(slot).toISOString()} (${correlationOf(schedule, slot)})`;
      if (status === "scheduled") host.logger.debug(`${what}: added job ${jobId}`);
      else host.logger.error(`${what}: ${status}: ${error}`);
    }
    const missed = new Map<string, number>();
    for (const { key, status } of passed) {
      countSlot(metrics, key, status);
      if (status === "missed") missed.set(key, (missed.get(key) ?? 0) + 1);
    }
    for (const [key, count] of missed)
      host.logger.warn(`schedule ${key}: ${count} slots passed while no process was there`);
    for (const { key, jobIds } of cancel) this.#cancel(key, jobIds);
  }

  #cancel(key: string, jobIds: readonly string[]): void {
    if (jobIds.length === 0) return;
    const { cancel, host } = this.#input;
    cancel(jobIds, `the next slot of schedule ${key} is due`).catch((error: unknown) =>
      host.logger.error(`could not cancel jobs of schedule ${key}: ${messageOf(error)}`, { error }),
    );
  }
}
