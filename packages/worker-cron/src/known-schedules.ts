import type { Query } from "@oppulence/worker-core";
import type { RowVersion, ScheduleTable } from "./postgres-schedules.ts";
import type { Registry } from "./registry.ts";
import type { Schedule, SlotCache } from "./schedule.ts";
import type { Slots } from "./slots.ts";

/** A schedule as this process has read it, with what firing it takes. */
export interface KnownSchedule {
  readonly schedule: Schedule;
  /** Of the row that was read. */
  readonly version: string;
  /** Whether this process has what the schedule needs: an older or newer one may not. */
  readonly canFire: boolean;
  /** An error where somebody wrote nonsense into the row. */
  readonly slots: Slots | Error;
}

/** What {@link KnownSchedules} needs. */
export interface KnownSchedulesInput {
  readonly table: ScheduleTable;
  readonly slots: SlotCache;
  readonly registry: () => Registry;
  readonly canFire: (registry: Registry, schedule: Schedule) => boolean;
}

/** Rows that one statement reads. */
const PAGE = 1_000;
const MOST_KNOWN = 50_000;

/**
 * Schedules that this process has read, by the version of their row, so that little is left to do in the
 * second in which thousands of them are due. Of a row that has changed since it was read nothing is used.
 */
export class KnownSchedules {
  readonly #input: KnownSchedulesInput;
  #known = new Map<string, KnownSchedule>();
  #registry: Registry | undefined;

  constructor(input: KnownSchedulesInput) {
    this.#input = input;
  }

  /** The schedule of a row; undefined when this version of it has not been read. */
  get({ key, version }: RowVersion): KnownSchedule | undefined {
    const registry = this.#input.registry();
    if (registry !== this.#registry) {
      this.#registry = registry;
      this.#known.clear();
    }
    const known = this.#known.get(key);
    return known?.version === version ? known : undefined;
  }

  /** Reads rows that are not known. */
  async read(query: Query, rows: readonly RowVersion[]): Promise<void> {
    const keys = rows.filter((row) => this.get(row) === undefined).map(({ key }) => key);
    if (this.#known.size + keys.length > MOST_KNOWN) this.#known.clear();
    for (let from = 0; from < keys.length; from += PAGE) {
      const found = await this.#input.table.list(query, keys.slice(from, from + PAGE));
      for (const schedule of found) this.#put(schedule);
    }
  }

  /** Firing has moved rows on, and their rules are what they were. */
  moved(rows: readonly RowVersion[]): void {
    for (const { key, version } of rows) {
      const known = this.#known.get(key);
      if (known !== undefined) this.#known.set(key, { ...known, version });
    }
  }

  /**
   * Makes ready what is due within a time: reads it, and finds the slots after.
   *
   * @param isTime - whether to leave off, as the time has come
   * @returns how many are due
   */
  async prepare(query: Query, withinMs: number, isTime: () => boolean): Promise<number> {
    const rows = await this.#input.table.soon(query, withinMs, MOST_KNOWN);
    for (let from = 0; from < rows.length && !isTime(); from += PAGE) {
      const page = rows.slice(from, from + PAGE);
      await this.read(query, page);
      for (const row of page) {
        const slots = this.get(row)?.slots;
        if (slots !== undefined && !(slots instanceof Error)) slots.next(row.nextSlot);
      }
    }
    return rows.length;
  }

  #put(schedule: Schedule & RowVersion): void {
    const { slots, registry, canFire } = this.#input;
    const { key, version } = schedule;
    this.#known.set(key, {
      schedule,
      version,
      canFire: canFire(registry(), schedule),
      slots: attempt(() => slots.of(schedule)),
    });
  }
}

function attempt(read: () => Slots): Slots | Error {
  try {
    return read();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
