import type { Overlap } from "./definition.ts";

/** A run that is not over, as the ledger has it. */
export interface OpenRun {
  readonly jobId: string | null;
  readonly status: "scheduled" | "started";
}

/** What becomes of a slot when runs before it are not over. */
export type OverlapDecision =
  | { readonly kind: "fire" }
  | { readonly kind: "skip"; readonly why: string }
  | { readonly kind: "cancel"; readonly jobIds: readonly string[] };

/** Decides by the policy. */
export function decideOverlap(policy: Overlap, open: readonly OpenRun[]): OverlapDecision {
  const [first] = open;
  if (policy === "allow" || first === undefined) return { kind: "fire" };
  if (policy === "cancelRunning")
    return { kind: "cancel", jobIds: open.flatMap(({ jobId }) => jobId ?? []) };
  const waiting = open.find(({ status }) => status === "scheduled");
  if (policy === "bufferOne" && waiting === undefined) return { kind: "fire" };
  const one = policy === "bufferOne" ? (waiting ?? first) : first;
  const does = one.status === "started" ? "still runs" : "still waits";
  return { kind: "skip", why: `job ${one.jobId ?? "?"} of an earlier slot ${does}` };
}

/** The queue in which the runs of a schedule wait for one another. */
export function bufferQueue(key: string): string {
  return `schedule:${key}`;
}
