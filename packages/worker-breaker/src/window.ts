import type { Settings } from "./settings.ts";

/** How calls ended. A failed call counts as failed only, however long it took. */
export interface Tally {
  readonly calls: number;
  readonly failed: number;
  /** Succeeded, but took longer than `slowCallDuration`. */
  readonly slow: number;
}

/** Calls of a tenth of a time window. */
export interface Bucket extends Tally {
  /** When it begins, in milliseconds by the store's clock. */
  readonly at: number;
}

/** Calls that are counted: by the tenth of a time window, or one by one, oldest first. */
export type Window =
  | { readonly kind: "time"; readonly buckets: readonly Bucket[] }
  /** A character a call: `.` succeeded, `s` slow, `f` failed. */
  | { readonly kind: "calls"; readonly outcomes: string };

const PARTS = 10;
const NONE: Tally = { calls: 0, failed: 0, slow: 0 };

/** Begin of the bucket that an instant is in. */
export function bucketStart(now: number, window: Settings["window"]): number {
  if ("calls" in window) return 0;
  const width = window.timeMs / PARTS;
  return Math.floor(now / width) * width;
}

/** A window without calls. */
export function emptyWindow(settings: Settings): Window {
  return "calls" in settings.window
    ? { kind: "calls", outcomes: "" }
    : { kind: "time", buckets: [] };
}

/** The window as it is now: what is too old is left out, and all of it where it is of the other kind. */
export function currentWindow(window: Window, settings: Settings, now: number): Window {
  if ("calls" in settings.window)
    return window.kind === "calls"
      ? { kind: "calls", outcomes: window.outcomes.slice(-settings.window.calls) }
      : emptyWindow(settings);
  if (window.kind !== "time") return emptyWindow(settings);
  const oldest = now - settings.window.timeMs;
  return { kind: "time", buckets: window.buckets.filter(({ at }) => at > oldest) };
}

/** Adds calls to a window. Of a bucket, those that succeeded count as the older ones. */
export function addToWindow(
  window: Window,
  added: readonly Bucket[],
  settings: Settings,
  now: number,
): Window {
  const current = currentWindow(window, settings, now);
  if (current.kind === "calls") {
    const more = added.map(charactersOf(settings)).join("");
    return currentWindow({ kind: "calls", outcomes: current.outcomes + more }, settings, now);
  }
  const buckets = new Map(current.buckets.map((bucket) => [bucket.at, bucket]));
  for (const bucket of added)
    buckets.set(bucket.at, { at: bucket.at, ...plus(buckets.get(bucket.at) ?? NONE, bucket) });
  const ordered = [...buckets.values()].sort((a, b) => a.at - b.at);
  return currentWindow({ kind: "time", buckets: ordered }, settings, now);
}

function charactersOf({ window }: Settings): (bucket: Bucket) => string {
  const most = "calls" in window ? window.calls : 0;
  return ({ calls, failed, slow }) =>
    ".".repeat(Math.min(most, Math.max(0, calls - failed - slow))) +
    "s".repeat(Math.min(most, slow)) +
    "f".repeat(Math.min(most, failed));
}

/** The sum of two tallies. */
export function plus(a: Tally, b: Tally): Tally {
  return { calls: a.calls + b.calls, failed: a.failed + b.failed, slow: a.slow + b.slow };
}

/** How the calls in a window ended. */
export function tallyOf(window: Window): Tally {
  if (window.kind === "time") return window.buckets.reduce(plus, NONE);
  const count = (character: string) => window.outcomes.split(character).length - 1;
  return { calls: window.outcomes.length, failed: count("f"), slow: count("s") };
}

/** Whether a window holds neither failures nor slow calls: then nobody has to know of successes. */
export function isCalm(window: Window): boolean {
  const { failed, slow } = tallyOf(window);
  return failed === 0 && slow === 0;
}
