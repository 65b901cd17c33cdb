import { close, enter, type Failure, noteFailure, open } from "./machine.ts";
import type { CircuitRecord, ProbeLease } from "./record.ts";
import type { Settings } from "./settings.ts";

/** How a probe ended; `returned`: without a verdict, as it was not made or was cut short. */
export type ProbeVerdict = "succeeded" | "failed" | "returned";

/** A probe that has ended. */
export interface ProbeEnd {
  readonly id: string;
  readonly verdict: ProbeVerdict;
  readonly failure: Failure | undefined;
}

/** Spared between the moment at which a living process gives a probe up and the end of its lease. */
const GRACE_MS = 1_000;

/** Probes that may be taken now; a circuit that may be probed from now on has all of them. */
export function freeProbes(record: CircuitRecord, settings: Settings, now: number): number {
  if (record.state === "open" && record.probeAt !== null && now >= record.probeAt)
    return settings.halfOpenRequests;
  if (record.state !== "half-open") return 0;
  const taken = living(record, now).length + record.passed;
  return Math.max(0, settings.halfOpenRequests - taken);
}

function living({ probes }: CircuitRecord, now: number): readonly ProbeLease[] {
  return probes.filter(({ until }) => until > now);
}

/** Takes a probe, if one is free: the first one makes the open circuit half-open. */
export function takeProbe(
  record: CircuitRecord,
  settings: Settings,
  id: string,
  now: number,
): CircuitRecord {
  if (freeProbes(record, settings, now) === 0) return record;
  const half =
    record.state === "open"
      ? enter(record, "half-open", settings, now, "the dependency is probed")
      : record;
  const until = now + settings.maxHalfOpenWaitMs + GRACE_MS;
  return { ...half, probes: [...living(half, now), { id, until }] };
}

/** Whether a probe is held under this id. */
export function holdsProbe(record: CircuitRecord, id: string): boolean {
  return record.probes.some((probe) => probe.id === id);
}

/** Ends a probe: all of them succeeded closes the circuit, one that failed opens it. One whose lease is over is passed over. */
export function endProbe(
  record: CircuitRecord,
  settings: Settings,
  { id, verdict, failure }: ProbeEnd,
  now: number,
): CircuitRecord {
  if (record.state !== "half-open" || !holdsProbe(record, id)) return record;
  const left = { ...record, probes: record.probes.filter((probe) => probe.id !== id) };
  if (verdict === "returned") return left;
  if (verdict === "failed")
    return open(noteFailure(left, failure, now), settings, now, "a probe failed");
  const passed = left.passed + 1;
  if (passed < settings.halfOpenRequests) return { ...left, passed };
  return close(
    left,
    settings,
    now,
    passed === 1 ? "a probe succeeded" : `${passed} probes succeeded`,
  );
}
