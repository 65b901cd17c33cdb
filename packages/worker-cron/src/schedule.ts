import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";
import type { Calendar, Misfire, Overlap } from "./definition.ts";
import { type SlotRule, Slots } from "./slots.ts";

/** Rules of a schedule beside its expression, as the database keeps them: plain data. */
export interface Settings {
  readonly misfire: Misfire;
  readonly catchUpWindowMs: number;
  readonly catchUpCap: number;
  readonly overlap: Overlap;
  /** Milliseconds since the epoch. */
  readonly startAt?: number;
  readonly endAt?: number;
  readonly maxRuns?: number;
  readonly jitterMs?: number;
  readonly pauseAfterFailures?: number;
  readonly calendar?: Calendar;
  readonly queueName?: string;
  readonly priority?: number;
  readonly maxAttempts?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly description?: string;
  /** Its payload is made when a slot fires, by the code that has the schedule. */
  readonly builds?: true;
}

/** What a definition comes to: what the reconciler keeps in the database. */
export interface ScheduleSpec {
  readonly key: string;
  readonly cron: string;
  readonly timezone: string;
  readonly enabled: boolean;
  /** The task's identifier. */
  readonly task: string;
  /** As JSON; null where the schedule builds it. */
  readonly payload: string | null;
  readonly settings: Settings;
}

/** A row of `cron_schedules`. Instants are milliseconds since the epoch. */
export interface Schedule extends ScheduleSpec {
  readonly origin: "code" | "database";
  readonly correlationId: string;
  readonly pausedAt: number | null;
  readonly pausedReason: string | null;
  readonly nextSlot: number | null;
  readonly lastSlot: number | null;
  readonly runs: number;
  /** Runs in a row that failed for good. */
  readonly failures: number;
}

/** What decides a schedule's slots. */
function ruleOf({ key, cron, timezone, settings }: ScheduleSpec): SlotRule {
  const { calendar, startAt, endAt } = settings;
  return { key, cron, timezone, calendar, startAt, endAt };
}

/** Whether two versions of a schedule have the same slots. */
export function hasSameSlots(one: ScheduleSpec, other: ScheduleSpec): boolean {
  return (
    one.enabled === other.enabled &&
    one.settings.maxRuns === other.settings.maxRuns &&
    canonicalJson(ruleOf(one)) === canonicalJson(ruleOf(other))
  );
}

/** A text that is equal for equal specs. */
export function specText({ key, cron, timezone, enabled, task, payload, settings }: ScheduleSpec) {
  return canonicalJson({ key, cron, timezone, enabled, task, payload, settings });
}

/** Names of the fields in which two specs differ. */
export function differences(one: ScheduleSpec, other: ScheduleSpec): string[] {
  const fields = ["cron", "timezone", "enabled", "task", "payload"] as const;
  const names = new Set([...Object.keys(one.settings), ...Object.keys(other.settings)]);
  return [
    ...fields.filter((field) => one[field] !== other[field]),
    ...[...names].filter((name) => {
      const field = name as keyof Settings;
      return (
        canonicalJson(one.settings[field] ?? null) !== canonicalJson(other.settings[field] ?? null)
      );
    }),
  ];
}

/** One hash of many specs. */
export function fingerprintOf(specs: Iterable<ScheduleSpec>): string {
  const hash = createHash("sha256");
  for (const text of [...specs].map(specText).sort()) hash.update(text).update("\n");
  return hash.digest("hex").slice(0, 32);
}

const MOST_CACHED = 50_000;

/** Slots of schedules, read once for each version of a rule. */
export class SlotCache {
  readonly #known = new Map<string, { readonly rule: string; readonly slots: Slots }>();

  /** @throws InvalidCronError, UnknownTimezoneError */
  of(spec: ScheduleSpec): Slots {
    const rule = JSON.stringify(ruleOf(spec));
    const known = this.#known.get(spec.key);
    if (known?.rule === rule) return known.slots;
    const slots = new Slots(ruleOf(spec));
    // Schedules may come and go at run time: what is forgotten is read again.
    if (this.#known.size >= MOST_CACHED) this.#known.clear();
    this.#known.set(spec.key, { rule, slots });
    return slots;
  }
}
