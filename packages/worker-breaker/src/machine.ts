import { formatDuration } from "@oppulence/worker-core";
import { type CircuitRecord, type CircuitState, isBlocking } from "./record.ts";
import type { RetryTime } from "./retry-after.ts";
import { resetTimeoutMs, type Settings } from "./settings.ts";
import { excessOf } from "./threshold.ts";
import { addToWindow, type Bucket, currentWindow, emptyWindow, isCalm, tallyOf } from "./window.ts";

/** What a failed call said. */
export interface Failure {
  readonly message: string;
  /** When the dependency wants to be called again, if it said so. */
  readonly retry: RetryTime | undefined;
}

/** Calls of one process that have ended. */
export interface Report {
  /** Of the circuit when the calls began. */
  readonly generation: number;
  readonly buckets: readonly Bucket[];
  readonly failure: Failure | undefined;
}

/**
 * How long a window that was quiet is listened to before its rate counts: until then only one process has told of
 * its calls.
 */
export const SETTLE_MS = 300;

/** No error keeps a circuit open for longer. */
const LONGEST_RETRY_MS = 86_400_000;
const LONGEST_ERROR = 500;

/** Takes a process's calls into account: may open the circuit. Calls of an older generation are passed over. */
export function report(
  record: CircuitRecord,
  settings: Settings,
  { generation, buckets, failure }: Report,
  now: number,
): CircuitRecord {
  if (record.state === "forced-closed") return record;
  if (generation !== record.generation || isBlocking(record.state))
    return extendOpening(record, failure, now);
  const wasCalm = isCalm(currentWindow(record.window, settings, now));
  const window = addToWindow(record.window, buckets, settings, now);
  const since = wasCalm ? now : (record.stirredAt ?? now);
  const noted = noteFailure({ ...record, window }, failure, now);
  return evaluate({ ...noted, stirredAt: isCalm(window) ? null : since }, settings, now);
}

/** Opens a closed circuit whose window is over a threshold. */
function evaluate(record: CircuitRecord, settings: Settings, now: number): CircuitRecord {
  if (record.state !== "closed") return record;
  const excess = excessOf(tallyOf(record.window), settings);
  if (excess === undefined) return record;
  if (excess.byRate && now - (record.stirredAt ?? now) < SETTLE_MS) return record;
  return open(record, settings, now, `${excess.reason} ${spanOf(settings)}`);
}

function spanOf({ window }: Settings): string {
  return "calls" in window
    ? `among the last ${window.calls} calls`
    : `within ${formatDuration(window.timeMs)}`;
}

/** A call that began before the opening may say how long to wait; it does not prolong it otherwise. */
function extendOpening(
  record: CircuitRecord,
  failure: Failure | undefined,
  now: number,
): CircuitRecord {
  if (record.state !== "open" || failure?.retry === undefined) return record;
  const probeAt = Math.max(record.probeAt ?? now, instantOf(failure.retry, now));
  return probeAt === record.probeAt ? record : { ...record, probeAt };
}

/** Remembers what a failed call said. */
export function noteFailure(
  record: CircuitRecord,
  failure: Failure | undefined,
  now: number,
): CircuitRecord {
  if (failure === undefined) return record;
  const { message, retry } = failure;
  const retryAt =
    retry === undefined ? record.retryAt : Math.max(record.retryAt ?? 0, instantOf(retry, now));
  return { ...record, retryAt, lastError: message.slice(0, LONGEST_ERROR), lastErrorAt: now };
}

function instantOf(retry: RetryTime, now: number): number {
  const at = "at" in retry ? retry.at : now + retry.afterMs;
  return Math.min(now + LONGEST_RETRY_MS, Math.max(now, at));
}

/** Opens the circuit until it is probed: after the reset timeout, or when the dependency has said. */
export function open(
  record: CircuitRecord,
  settings: Settings,
  now: number,
  reason: string,
): CircuitRecord {
  const openings = record.openings + 1;
  const asked = record.retryAt !== null && record.retryAt > now ? record.retryAt : undefined;
  const probeAt = asked ?? now + resetTimeoutMs(settings, openings);
  return { ...enter(record, "open", settings, now, reason), probeAt, openings };
}

/** Closes the circuit, as if nothing had happened. */
export function close(
  record: CircuitRecord,
  settings: Settings,
  now: number,
  reason: string,
): CircuitRecord {
  return { ...enter(record, "closed", settings, now, reason), openings: 0 };
}

/** Enters a state, with nothing of the one before but how often it opened and what was said last. */
export function enter(
  record: CircuitRecord,
  state: CircuitState,
  settings: Settings,
  now: number,
  reason: string | null,
): CircuitRecord {
  return {
    ...record,
    state,
    generation: record.generation + 1,
    since: now,
    probeAt: null,
    window: emptyWindow(settings),
    stirredAt: null,
    retryAt: null,
    passed: 0,
    probes: [],
    reason,
    actor: null,
  };
}

/** What a person wants a circuit to be. */
export interface Order {
  /** `closed` is what it is without anybody's doing. */
  readonly state: "closed" | "forced-open" | "forced-closed" | "metrics-only";
  readonly reason: string | undefined;
  readonly actor: string | undefined;
}

/** Does what a person wants. */
export function obey(
  record: CircuitRecord,
  settings: Settings,
  { state, reason, actor }: Order,
  now: number,
): CircuitRecord {
  const next = enter(record, state, settings, now, reason ?? null);
  return { ...next, openings: 0, actor: actor ?? null };
}
