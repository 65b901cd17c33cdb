import type { PluginHost, Query } from "@oppulence/worker-core";
import { correlationOf, type FiredSlot, type FiringSlot, type SlotFirer } from "./fire-slots.ts";
import type { KnownSchedules } from "./known-schedules.ts";
import { planSlots } from "./misfire.ts";
import { decideOverlap, type OpenRun } from "./overlap.ts";
import type { Ledger, LedgerEntry, SlotStatus } from "./postgres-ledger.ts";
import type { Advance, ClaimedSchedule, ScheduleTable } from "./postgres-schedules.ts";
import type { Schedule } from "./schedule.ts";
import type { Slots } from "./slots.ts";

/** What {@link Firing} needs. */
export interface FiringInput {
  readonly host: Pick<PluginHost<unknown>, "transaction" | "logger">;
  readonly table: ScheduleTable;
  readonly ledger: Ledger;
  readonly firer: SlotFirer;
  readonly known: KnownSchedules;
  readonly batchSize: number;
  readonly misfireAfterMs: number;
  readonly retentionMs: number;
}

/** A slot that had no run. */
interface PassedSlot {
  readonly key: string;
  readonly slot: number;
  readonly status: Extract<SlotStatus, "missed" | "skipped">;
}

/** What one round did, committed. */
export interface Round {
  /** How many schedules were due. */
  readonly claimed: number;
  /** Those of them that are left to other processes. */
  readonly left: readonly Schedule[];
  readonly fired: readonly FiredSlot[];
  readonly passed: readonly PassedSlot[];
  /** Jobs of earlier slots that give way. */
  readonly cancel: readonly { readonly key: string; readonly jobIds: readonly string[] }[];
  /** The database's time, in milliseconds since the epoch. */
  readonly now: number;
}

/** What a round wrote. */
type Done = Omit<Round, "claimed" | "left">;

const NOTHING: Done = { fired: [], passed: [], cancel: [], now: 0 };

/** What is gathered for one transaction. */
interface Batch {
  readonly firing: FiringSlot[];
  readonly passed: LedgerEntry[];
  readonly cancel: { key: string; jobIds: readonly string[] }[];
  readonly advances: { key: string; nextSlot: number | null; lastSlot: number | null }[];
}

/** Fires what is due: claim, ledger, jobs and the next slot in one transaction, by the database's clock. */
export class Firing {
  readonly #input: FiringInput;

  /** Keys of schedules that this process cannot fire. */
  readonly #left = new Set<string>();

  constructor(input: FiringInput) {
    this.#input = input;
  }

  /** Keys of schedules that are left to other processes. */
  get left(): readonly string[] {
    return [...this.#left];
  }

  /** Looks again at schedules that were left to others: they, or the code, may have changed. */
  forgetLeft(): void {
    this.#left.clear();
  }

  /**
   * Makes ready what is due within a time.
   *
   * @param isTime - whether to leave off, as the time has come
   * @returns how many are due
   */
  prepare(query: Query, withinMs: number, isTime: () => boolean): Promise<number> {
    return this.#input.known.prepare(query, withinMs, isTime);
  }

  /**
   * One batch. Call again while `claimed` is as large as a batch; others may run beside it.
   *
   * @param aheadTo - an instant to come soon: what is due by then, too, its jobs due no sooner than their slots
   */
  async round(aheadTo?: number): Promise<Round> {
    const { host, table, batchSize, known } = this.#input;
    return host.transaction(async (query) => {
      const claimed = await table.claim(query, batchSize, this.left, aheadTo);
      await known.read(query, claimed);
      const batch: Batch = { firing: [], passed: [], cancel: [], advances: [] };
      const left: Schedule[] = [];
      for (const row of claimed) {
        const one = known.get(row);
        if (one === undefined) continue;
        if (!one.canFire) left.push(one.schedule);
        else if (one.slots instanceof Error) await this.#pause(query, row.key, one.slots);
        else this.#planSlots(row, one.schedule, one.slots, batch);
      }
      for (const { key } of left) this.#left.add(key);
      const done = batch.advances.length === 0 ? NOTHING : await this.#write(query, claimed, batch);
      return { ...done, claimed: claimed.length, left };
    });
  }

  async #write(query: Query, claimed: readonly ClaimedSchedule[], batch: Batch): Promise<Done> {
    const { ledger, firer, table, known } = this.#input;
    const fired = await firer.fire(query, batch.firing);
    const passed = batch.passed.length === 0 ? [] : await ledger.insert(query, batch.passed);
    const status = new Map(batch.passed.map((one) => [`${one.slot} ${one.key}`, one.status]));
    const counts = countsOf(fired);
    const rows = batch.advances.map((one) => ({
      ...one,
      ...(counts.get(one.key) ?? { runs: 0, failures: 0 }),
    }));
    // Of a transaction that is not committed no row has the version, so that nothing of it is used.
    known.moved(await table.advance(query, rows));
    return {
      fired,
      passed: passed.map(({ key, slot }) => ({
        key,
        slot,
        status: status.get(`${slot} ${key}`) as PassedSlot["status"],
      })),
      cancel: batch.cancel,
      now: claimed[0]?.now ?? 0,
    };
  }

  /** Somebody wrote nonsense into the row. A schedule of the code is healed; one of the database waits. */
  async #pause(query: Query, key: string, error: Error): Promise<void> {
    const { table, host } = this.#input;
    const why = `cannot be read: ${error.message}`;
    host.logger.error(`schedule ${key} is paused, as it ${why}`, { error });
    await table.pause(query, key, why);
  }

  #planSlots(row: ClaimedSchedule, schedule: Schedule, slots: Slots, batch: Batch): void {
    const { key, nextSlot, lastSlot, now, runs } = row;
    const { settings } = schedule;
    const plan = planSlots({
      slots,
      due: nextSlot,
      now,
      misfire: settings.misfire,
      catchUpWindowMs: settings.catchUpWindowMs,
      catchUpCap: settings.catchUpCap,
      misfireAfterMs: this.#input.misfireAfterMs,
      retentionMs: this.#input.retentionMs,
      runsLeft: settings.maxRuns === undefined ? Number.POSITIVE_INFINITY : settings.maxRuns - runs,
    });
    for (const slot of plan.missed) batch.passed.push(passed(schedule, slot, "missed", null));
    let open: readonly OpenRun[] = row.open ?? [];
    let previous = plan.missed.filter((slot) => slot < (plan.fire[0] ?? 0)).at(-1) ?? lastSlot;
    for (const slot of plan.fire) {
      const decision = decideOverlap(settings.overlap, open);
      if (decision.kind === "skip") {
        batch.passed.push(passed(schedule, slot, "skipped", decision.why));
      } else {
        if (decision.kind === "cancel") batch.cancel.push({ key, jobIds: decision.jobIds });
        const source = slot < now - this.#input.misfireAfterMs ? "catch-up" : "slot";
        batch.firing.push({ schedule, slot, previous: previous ?? undefined, source });
        open = [...open, { jobId: null, status: "scheduled" }];
      }
      previous = slot;
    }
    const last = Math.max(plan.fire.at(-1) ?? 0, plan.missed.at(-1) ?? 0);
    batch.advances.push({ key, nextSlot: plan.next ?? null, lastSlot: last === 0 ? null : last });
  }
}

function passed(
  schedule: Schedule,
  slot: number,
  status: PassedSlot["status"],
  error: string | null,
): LedgerEntry {
  const correlationId = correlationOf(schedule, slot);
  return { key: schedule.key, slot, status, error, source: "slot", correlationId };
}

/** Runs that schedules have had, and those of them that failed before they had a job. */
function countsOf(fired: readonly FiredSlot[]): Map<string, Pick<Advance, "runs" | "failures">> {
  const counts = new Map<string, { runs: number; failures: number }>();
  for (const { schedule, status } of fired) {
    const one = counts.get(schedule.key) ?? { runs: 0, failures: 0 };
    if (status === "scheduled") one.runs += 1;
    if (status === "failed") one.failures += 1;
    counts.set(schedule.key, one);
  }
  return counts;
}
