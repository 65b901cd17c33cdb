import type { Misfire } from "./definition.ts";

/** A page of slots: more than any catch-up fires, and bounded for a schedule by the second that was down long. */
const PAGE = 10_000;

/** What {@link planSlots} goes by. Instants are milliseconds since the epoch, by the database's clock. */
export interface SlotPlanInput {
  readonly slots: { next(after: number): number | undefined };
  /** The slot that is due. */
  readonly due: number;
  readonly now: number;
  readonly misfire: Misfire;
  readonly catchUpWindowMs: number;
  readonly catchUpCap: number;
  /** Slots older than this have misfired. */
  readonly misfireAfterMs: number;
  /** Slots older than this are not even in the ledger any more. */
  readonly retentionMs: number;
  /** How many more runs the schedule may have. */
  readonly runsLeft: number;
}

/** What becomes of the slots that are due. */
export interface SlotPlan {
  readonly fire: readonly number[];
  readonly missed: readonly number[];
  /** The slot after; undefined when there is none. */
  readonly next: number | undefined;
}

/**
 * Decides what becomes of a schedule's slots up to now. As long as none of them has misfired, each fires; one
 * that has makes the policy decide for all of them.
 */
export function planSlots(input: SlotPlanInput): SlotPlan {
  const { slots, now, misfireAfterMs, runsLeft } = input;
  const due: number[] = [];
  const oldest = now - input.retentionMs;
  let at: number | undefined = input.due < oldest ? slots.next(oldest) : input.due;
  while (at !== undefined && at <= now && due.length < PAGE) {
    due.push(at);
    at = slots.next(at);
  }
  if (runsLeft <= 0) return { fire: [], missed: [], next: undefined };
  // The older half: what is left still has misfired, so that the policy decides once, at the end.
  if (at !== undefined && at <= now)
    return { fire: [], missed: due.slice(0, PAGE / 2), next: due[PAGE / 2] };
  const hasMisfired = due[0] !== undefined && due[0] < now - misfireAfterMs;
  const wanted = hasMisfired ? caughtUp(due, input) : due;
  const fire = wanted.slice(0, runsLeft);
  const kept = new Set(wanted);
  const missed = due.filter((slot) => !kept.has(slot));
  return { fire, missed, next: fire.length >= runsLeft ? undefined : at };
}

function caughtUp(
  due: readonly number[],
  { misfire, now, catchUpWindowMs, catchUpCap }: SlotPlanInput,
): readonly number[] {
  if (misfire === "skip") return [];
  if (misfire === "once") return due.slice(-1);
  return due.filter((slot) => slot >= now - catchUpWindowMs).slice(-catchUpCap);
}
