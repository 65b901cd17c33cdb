import { type Clock, settleWithin } from "@oppulence/worker-core";
import { InvalidScheduleError, ScheduleTimeoutError } from "./errors.ts";
import type { FiringSlot } from "./fire-slots.ts";
import { problemOfPayload, toJson } from "./payload.ts";
import type { Registry } from "./registry.ts";

/** Makes the payloads of slots. */
export class PayloadBuilder {
  readonly #registry: () => Registry;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor(registry: () => Registry, clock: Clock, timeoutMs: number) {
    this.#registry = registry;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @returns the payload as JSON
   * @throws InvalidScheduleError, ScheduleTimeoutError, and what `buildPayload` throws
   */
  async build({ schedule, slot, previous }: FiringSlot): Promise<string> {
    const { key, settings, payload } = schedule;
    if (settings.builds !== true) return payload ?? "{}";
    const registered = this.#registry().schedules.get(key);
    const build = registered?.definition.buildPayload;
    if (build === undefined)
      throw new InvalidScheduleError(key, [
        "its payload is built by code that this process does not have",
      ]);
    const input = {
      key,
      scheduledAt: new Date(slot),
      previous: previous === undefined ? undefined : new Date(previous),
    };
    const json = toJson(await this.#bounded(key, () => build(input)));
    const problem = await this.#bounded(key, () =>
      problemOfPayload(registered?.schema, JSON.parse(json)),
    );
    if (problem !== undefined) throw new InvalidScheduleError(key, [`buildPayload: ${problem}`]);
    return json;
  }

  #bounded<T>(key: string, call: () => T | Promise<T>): T | Promise<T> {
    const pending = call();
    if (!(pending instanceof Promise)) return pending;
    const late = () => new ScheduleTimeoutError(key, "buildPayload", this.#timeoutMs);
    return settleWithin(pending, this.#timeoutMs, late, this.#clock);
  }
}
