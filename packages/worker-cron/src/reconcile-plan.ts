import type { Registered, Registry } from "./registry.ts";
import { differences, hasSameSlots, type Schedule, type ScheduleSpec } from "./schedule.ts";

/** A schedule of the code that is not in the database as it should be. */
export interface Change {
  readonly spec: ScheduleSpec;
  /** Undefined when it is not there. */
  readonly from: Schedule | undefined;
  /** Fields that differ. */
  readonly fields: readonly string[];
  /** Its slots stay the same. */
  readonly keepSlot: boolean;
}

/** What the reconciler would do. */
export interface ReconcilePlan {
  readonly add: readonly Change[];
  readonly change: readonly Change[];
  readonly remove: readonly Schedule[];
  /** Keys of the code that schedules of the database have already: those are left alone. */
  readonly taken: readonly string[];
  readonly unchanged: number;
}

/** Compares the code's schedules with the database's. */
export function planReconcile(registry: Registry, rows: readonly Schedule[]): ReconcilePlan {
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const add: Change[] = [];
  const change: Change[] = [];
  const taken: string[] = [];
  let unchanged = 0;
  for (const { spec } of registry.schedules.values() as Iterable<Registered>) {
    const from = byKey.get(spec.key);
    if (from === undefined) add.push({ spec, from, fields: [], keepSlot: false });
    else if (from.origin === "database") taken.push(spec.key);
    else {
      const fields = differences(from, spec);
      if (fields.length === 0) unchanged += 1;
      else change.push({ spec, from, fields, keepSlot: hasSameSlots(from, spec) });
    }
  }
  const remove = rows.filter(
    ({ key, origin }) => origin === "code" && !registry.schedules.has(key),
  );
  return { add, change, remove, taken, unchanged };
}
