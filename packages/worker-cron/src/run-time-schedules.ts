import { randomBytes } from "node:crypto";
import { didYouMean, type PluginHost, validateOptions } from "@oppulence/worker-core";
import { problemsOfRules, settingsOf } from "./check-rules.ts";
import { databaseNow } from "./database-time.ts";
import type { ScheduleInput, ScheduleRules } from "./definition.ts";
import { InvalidScheduleError, type UnknownScheduleError } from "./errors.ts";
import type { FiredSlot, SlotFirer } from "./fire-slots.ts";
import type { CronMetrics } from "./metrics.ts";
import { scheduleInput } from "./options.ts";
import { problemOfPayload, toJson } from "./payload.ts";
import type { Ledger } from "./postgres-ledger.ts";
import type { ScheduleTable } from "./postgres-schedules.ts";
import { hasSameSlots, type Schedule, type ScheduleSpec, type SlotCache } from "./schedule.ts";
import { unknownSchedule } from "./unknown-schedule.ts";
import { type ScheduleView, toInput, toView } from "./view.ts";
import { withdraw } from "./withdraw.ts";

/** What {@link RunTimeSchedules} needs. */
export interface RunTimeInput {
  readonly host: PluginHost<unknown>;
  readonly table: ScheduleTable;
  readonly ledger: Ledger;
  readonly firer: SlotFirer;
  readonly slots: SlotCache;
  readonly metrics: CronMetrics;
  readonly onChanged: () => void;
}

/** What `update` may change: anything but the key; a field that is left out stays. */
export type ScheduleChange = Partial<ScheduleRules & Pick<ScheduleInput, "task" | "payload">>;

/** Schedules by hand: `worker.plugins.cron.schedules`. */
export class RunTimeSchedules {
  readonly #input: RunTimeInput;

  constructor(input: RunTimeInput) {
    this.#input = input;
  }

  /** All schedules by key, those of the code and those made at run time. */
  async list(): Promise<ScheduleView[]> {
    const { host, table } = this.#input;
    return (await table.list(host.query)).map(toView);
  }

  /** One of them; undefined when there is none. */
  async get(key: string): Promise<ScheduleView | undefined> {
    const { host, table } = this.#input;
    const [row] = await table.list(host.query, [key]);
    return row === undefined ? undefined : toView(row);
  }

  /**
   * Makes a schedule that belongs to the database: no deploy removes it.
   *
   * @throws InvalidOptionsError, InvalidScheduleError: also when the key is taken
   */
  async create(input: ScheduleInput): Promise<ScheduleView> {
    const spec = await this.#check(input);
    return this.#write(spec, undefined);
  }

  /**
   * Changes a schedule that was made at run time.
   *
   * @throws UnknownScheduleError, InvalidOptionsError, InvalidScheduleError: also for one of the code
   */
  async update(key: string, change: ScheduleChange): Promise<ScheduleView> {
    const row = await this.#own(key, "update");
    const spec = await this.#check({ ...toInput(row), ...change, key });
    return this.#write(spec, row);
  }

  /** Deletes a schedule that was made at run time; its ledger stays. */
  async delete(key: string): Promise<void> {
    const { host, table, ledger } = this.#input;
    await this.#own(key, "delete");
    await host.transaction(async (query) => {
      await table.remove(query, "database", [key]);
      await withdraw(host.engine, ledger, query, [key]);
    });
  }

  /**
   * Has any schedule not fire until it is resumed; a deploy leaves it paused.
   *
   * @throws UnknownScheduleError
   */
  async pause(key: string, reason = "by hand"): Promise<void> {
    const { host, table, ledger } = this.#input;
    await host.transaction(async (query) => {
      if (!(await table.pause(query, key, reason))) throw await this.#unknown(key);
      await withdraw(host.engine, ledger, query, [key]);
    });
  }

  /** Has it fire again, from its next slot on. */
  async resume(key: string): Promise<void> {
    const { host, table, slots, onChanged } = this.#input;
    await host.transaction(async (query) => {
      const row = await table.lock(query, key);
      if (row === undefined) throw await this.#unknown(key);
      if (row.pausedAt === null) return;
      await table.resume(query, key, slots.of(row).next(row.now) ?? null);
    });
    onChanged();
  }

  /**
   * Runs a schedule now, whatever its slots, policies and pause say.
   *
   * @returns the job's id
   * @throws UnknownScheduleError, InvalidScheduleError when it could not be added
   */
  async trigger(
    key: string,
    options: { readonly payload?: unknown } = {},
  ): Promise<{ readonly jobId: string; readonly scheduledAt: Date }> {
    const { host, table, firer } = this.#input;
    const payload = "payload" in options ? toJson(options.payload) : undefined;
    const fired = await host.transaction(async (query) => {
      const schedule = await table.lock(query, key);
      if (schedule === undefined) throw await this.#unknown(key);
      const { now, lastSlot } = schedule;
      const slot = Math.floor(now);
      const previous = lastSlot !== null && lastSlot < slot ? lastSlot : undefined;
      const [one] = await firer.fire(query, [
        { schedule, slot, previous, source: "trigger", payload },
      ]);
      if (one?.status !== "scheduled")
        throw new InvalidScheduleError(key, [one?.error ?? "it was triggered this very moment"]);
      return one as FiredSlot & { jobId: string };
    });
    return { jobId: fired.jobId, scheduledAt: new Date(fired.slot) };
  }

  async #own(key: string, what: string): Promise<Schedule> {
    const { host, table } = this.#input;
    const [row] = await table.list(host.query, [key]);
    if (row === undefined) throw await this.#unknown(key);
    if (row.origin === "code")
      throw new InvalidScheduleError(key, [
        `${what}: it is the code's, which would undo it; change the code or the overlay, or pause it`,
      ]);
    return row;
  }

  #unknown(key: string): Promise<UnknownScheduleError> {
    return unknownSchedule(this.#input.host.query, this.#input.table, key);
  }

  async #check(input: ScheduleInput): Promise<ScheduleSpec> {
    const { host, metrics } = this.#input;
    try {
      const { key, task, payload, ...rules } = validateOptions(
        scheduleInput,
        input,
        `schedule ${JSON.stringify(input?.key)}`,
      );
      const identifier = typeof task === "string" ? task : task.identifier;
      const info = host.tasks.get(identifier);
      const problems = problemsOfRules(key, rules);
      if (info === undefined)
        problems.push(
          `task: got ${JSON.stringify(identifier)}, which is not known here${didYouMean(identifier, host.tasks.keys())}`,
        );
      const json = toJson(payload);
      const wrong = await problemOfPayload(info?.payload, JSON.parse(json));
      if (wrong !== undefined) problems.push(`payload: ${wrong}`);
      if (problems.length > 0) throw new InvalidScheduleError(key, problems);
      const { cron, timezone, enabled } = rules;
      const settings = settingsOf(rules);
      return { key, cron, timezone, enabled, task: identifier, payload: json, settings };
    } catch (error) {
      metrics.validationErrors.add(1);
      throw error;
    }
  }

  async #write(spec: ScheduleSpec, from: Schedule | undefined): Promise<ScheduleView> {
    const { host, table, ledger, slots, onChanged } = this.#input;
    const correlationId = randomBytes(4).toString("hex");
    const view = await host.transaction(async (query) => {
      const rows = await table.list(query, [spec.key]);
      if (from === undefined && rows.length > 0)
        throw new InvalidScheduleError(spec.key, [
          "key: a schedule has it already; update that one",
        ]);
      const keepSlot = from !== undefined && hasSameSlots(from, spec);
      const nextSlot = slots.of(spec).next(await databaseNow(query)) ?? null;
      await table.write(query, "database", correlationId, [{ ...spec, nextSlot, keepSlot }]);
      if (!keepSlot) await withdraw(host.engine, ledger, query, [spec.key]);
      const [row] = await table.list(query, [spec.key]);
      return toView(row as Schedule);
    });
    onChanged();
    return view;
  }
}
