import { randomBytes } from "node:crypto";
import type { PluginHost, Query } from "@oppulence/worker-core";
import type { CronMetrics } from "./metrics.ts";
import type { Ledger } from "./postgres-ledger.ts";
import type { Claim, RegistryTable } from "./postgres-registries.ts";
import type { ScheduleTable, WrittenSchedule } from "./postgres-schedules.ts";
import { type Change, planReconcile, type ReconcilePlan } from "./reconcile-plan.ts";
import type { Registry } from "./registry.ts";
import type { SlotCache } from "./schedule.ts";
import { withdraw } from "./withdraw.ts";

/** What {@link ScheduleReconciler} needs. */
export interface ReconcilerInput {
  readonly host: Pick<PluginHost<unknown>, "query" | "transaction" | "logger" | "engine">;
  readonly table: ScheduleTable;
  readonly ledger: Ledger;
  readonly registries: RegistryTable;
  readonly slots: SlotCache;
  readonly metrics: CronMetrics;
  readonly takeoverMs: number;
  /** The code's schedules as they are now. */
  readonly registry: () => Registry;
  /** Schedules were written: something may be due sooner. */
  readonly onChanged: () => void;
}

/** What a reconcile did. */
export interface ReconcileReport {
  /** False where another registry decides: this one is older, and nothing was changed. */
  readonly applied: boolean;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Keys of the code that schedules of the database have. */
  readonly taken: readonly string[];
  readonly correlationId: string;
}

/** Keeps the database's schedules of origin `code` as the code has them. */
export class ScheduleReconciler {
  readonly #input: ReconcilerInput;
  /** Of the database, when it was as it should be. */
  #digest: string | undefined;
  /** Of the registry that this process applied last. */
  #applied: string | undefined;
  #wasLeader: boolean | undefined;
  /** The registry was changed while the process runs, and the database does not know yet. */
  #isNew = false;
  #taken: readonly string[] = [];

  constructor(input: ReconcilerInput) {
    this.#input = input;
  }

  /** Keys of the code that schedules of the database have: they do not run. */
  get taken(): readonly string[] {
    return this.#taken;
  }

  /**
   * Brings the database up to date, in one transaction and one process at a time.
   *
   * @param isNew - the registry was changed just now, in this process: it comes after whatever was seen before
   */
  async reconcile({ isNew = false } = {}): Promise<ReconcileReport> {
    const { host, registries, table } = this.#input;
    this.#isNew ||= isNew;
    const registry = this.#input.registry();
    const correlationId = randomBytes(4).toString("hex");
    const { report, plan, digest } = await host.transaction(async (query) => {
      await registries.lock(query);
      const leader = await registries.claim(query, {
        ...this.#claim(registry),
        isNew: this.#isNew,
      });
      const isLeader = leader.fingerprint === registry.fingerprint;
      const plan = planReconcile(registry, await table.list(query));
      const report = reportOf(plan, isLeader, correlationId);
      if (isLeader) await this.#apply(query, plan, leader.now, correlationId);
      return { report, plan, digest: isLeader ? await table.digest(query) : undefined };
    });
    this.#isNew = false;
    this.#tell(report, plan, this.#applied === registry.fingerprint);
    this.#digest = digest;
    this.#wasLeader = report.applied;
    if (report.applied) this.#applied = registry.fingerprint;
    this.#taken = report.taken;
    return report;
  }

  /** Says that the registry is alive, and heals what somebody has changed by hand. Three statements where all is well. */
  async watch(): Promise<ReconcileReport | undefined> {
    const { host, registries, table } = this.#input;
    if (this.#isNew) return this.reconcile();
    const registry = this.#input.registry();
    const leader = await registries.seen(host.query, this.#claim(registry));
    const isLeader = leader.fingerprint === registry.fingerprint;
    if (!isLeader) {
      this.#wasLeader = false;
      return undefined;
    }
    if (this.#wasLeader === true && (await table.digest(host.query)) === this.#digest)
      return undefined;
    return this.reconcile();
  }

  #claim({ fingerprint, version, schedules }: Registry): Claim {
    const aliveMs = this.#input.takeoverMs;
    return { fingerprint, version, schedules: schedules.size, isNew: false, aliveMs };
  }

  async #apply(
    query: Query,
    { add, change, remove }: ReconcilePlan,
    now: number,
    correlationId: string,
  ): Promise<void> {
    const { host, table, ledger } = this.#input;
    if (remove.length > 0)
      await table.remove(
        query,
        "code",
        remove.map(({ key }) => key),
      );
    const rows = [...add, ...change].map((one) => this.#toRow(one, now));
    if (rows.length > 0) await table.write(query, "code", correlationId, rows);
    const moved = change.filter(({ keepSlot }) => !keepSlot).map(({ spec }) => spec.key);
    await withdraw(host.engine, ledger, query, [...moved, ...remove.map(({ key }) => key)]);
  }

  #toRow({ spec, keepSlot, from }: Change, now: number): WrittenSchedule {
    const isUsedUp =
      spec.settings.maxRuns !== undefined && (from?.runs ?? 0) >= spec.settings.maxRuns;
    const nextSlot = keepSlot || isUsedUp ? null : (this.#input.slots.of(spec).next(now) ?? null);
    return { ...spec, nextSlot, keepSlot };
  }

  #tell(report: ReconcileReport, plan: ReconcilePlan, isHealing: boolean): void {
    const { host, metrics, onChanged } = this.#input;
    const { logger } = host;
    const { applied, added, changed, removed, taken, correlationId } = report;
    for (const key of taken.filter((one) => !this.#taken.includes(one))) {
      metrics.validationErrors.add(1);
      logger.error(
        `schedule ${key} of the code does not run: one that was made at run time has its key; delete that one, or rename this one`,
      );
    }
    if (!applied) {
      if (this.#wasLeader !== false)
        logger.warn("a newer set of schedules is deployed: this process leaves it as it is");
      return;
    }
    const count = (action: string, keys: readonly string[]) => {
      if (keys.length > 0) metrics.reconciled.add(keys.length, { action });
    };
    count(isHealing ? "healed" : "added", added);
    count(isHealing ? "healed" : "changed", changed);
    count(isHealing ? "healed" : "removed", removed);
    const fields = plan.change.map(({ spec, fields }) => `${spec.key} (${fields.join(", ")})`);
    const parts = [
      ["added", added],
      ["changed", fields],
      ["removed", removed],
    ] as const;
    const what = parts
      .filter(([, keys]) => keys.length > 0)
      .map(([verb, keys]) => `${verb} ${few(keys)}`);
    if (what.length === 0) return;
    const text = `schedules (${correlationId}): ${what.join("; ")}`;
    if (isHealing) logger.warn(`${text}: somebody had changed them by hand`);
    else logger.info(text);
    onChanged();
  }
}

function reportOf(plan: ReconcilePlan, applied: boolean, correlationId: string): ReconcileReport {
  const keys = (changes: readonly Change[]) => (applied ? changes.map(({ spec }) => spec.key) : []);
  return {
    applied,
    added: keys(plan.add),
    changed: keys(plan.change),
    removed: applied ? plan.remove.map(({ key }) => key) : [],
    taken: plan.taken,
    correlationId,
  };
}

function few(keys: readonly string[]): string {
  const shown = keys.slice(0, 10).join(", ");
  return keys.length > 10 ? `${shown} and ${keys.length - 10} more` : shown;
}
