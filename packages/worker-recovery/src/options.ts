import { type Duration, isDuration, parseDuration } from "@oppulence/worker-core";
import { z } from "zod";

/** What {@link recovery} takes. All of it may be set by the config overlay. */
export interface RecoveryOptions {
  /**
   * How often a pool says that it is alive, and looks for dead ones: 100 ms to 10 minutes.
   * @defaultValue `"5s"`
   */
  readonly heartbeat?: Duration;
  /**
   * How long a pool may be silent before it counts as dead: at least twice the heartbeat, at most 4 hours.
   * Longer than the longest time for which a task blocks the event loop.
   * @defaultValue four times the heartbeat
   */
  readonly deadAfter?: Duration;
  /**
   * With how many of its pools a job may go down before it counts as a poison pill: 2 to 100.
   * @defaultValue `3`
   */
  readonly maxCrashes?: number;
}

const SILENT_BEATS = 4;
const LEAST_SILENT_BEATS = 2;
const MIN_HEARTBEAT_MS = 100;
const MAX_HEARTBEAT_MS = 10 * 60_000;
const MAX_DEAD_AFTER_MS = 4 * 60 * 60_000;

const duration = (min: number, max: number, range: string) =>
  z.custom<Duration>((value) => {
    if (!isDuration(value)) return false;
    const ms = parseDuration(value, "");
    return ms >= min && ms <= max;
  }, `expected a duration of ${range}: a number of milliseconds, or a string such as "5s"`);

/** Checks and completes {@link RecoveryOptions}. */
export const recoveryOptions = z
  .strictObject({
    heartbeat: duration(MIN_HEARTBEAT_MS, MAX_HEARTBEAT_MS, "100 ms to 10 minutes").default("5s"),
    deadAfter: duration(1, MAX_DEAD_AFTER_MS, "at most 4 hours").optional(),
    maxCrashes: z.int().min(2).max(100).default(3),
  })
  .superRefine(({ heartbeat, deadAfter }, { addIssue }) => {
    if (deadAfter === undefined || !isDuration(heartbeat) || !isDuration(deadAfter)) return;
    const least = LEAST_SILENT_BEATS * parseDuration(heartbeat, "");
    if (parseDuration(deadAfter, "") >= least) return;
    addIssue({
      code: "custom",
      path: ["deadAfter"],
      message: `got ${JSON.stringify(deadAfter)} with a heartbeat of ${JSON.stringify(heartbeat)}; it is at least ${LEAST_SILENT_BEATS} heartbeats, ${least} ms, as one late beat is no death`,
    });
  });

/** {@link RecoveryOptions} with defaults. */
export type ResolvedRecoveryOptions = z.output<typeof recoveryOptions>;

/** The options in milliseconds. */
export interface Timing {
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
}

/** Reads durations of validated options. */
export function timingOf({ heartbeat, deadAfter }: ResolvedRecoveryOptions): Timing {
  const heartbeatMs = Math.round(parseDuration(heartbeat, "plugin recovery, heartbeat"));
  const deadAfterMs =
    deadAfter === undefined
      ? Math.min(SILENT_BEATS * heartbeatMs, MAX_DEAD_AFTER_MS)
      : Math.round(parseDuration(deadAfter, "plugin recovery, deadAfter"));
  return { heartbeatMs, deadAfterMs };
}
