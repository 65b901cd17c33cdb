import { type FailureInput, type Hooks, messageOf, type RunInput } from "@oppulence/worker-core";
import { fromSlotLabels } from "./labels.ts";
import { type CronMetrics, countSlot } from "./metrics.ts";
import type { RunReport } from "./postgres-ledger.ts";
import type { Recorder } from "./recorder.ts";

/** A message longer than this says no more. */
const MOST_ERROR = 2_000;

/**
 * Keeps the ledger. Jobs that no schedule added cost one look at their flags. None of them decides anything,
 * nor keeps a job from running when the database is away.
 */
export function createHooks(recorder: Recorder, metrics: CronMetrics): Hooks {
  const record = (input: RunInput, status: RunReport["status"], error: string | null) => {
    // Without flags there is nothing to read.
    if (input.job.flags === null) return undefined;
    const slot = fromSlotLabels(input.labels);
    if (slot === undefined) return undefined;
    const report = { key: slot.key, slot: slot.slot, status, error, attempt: input.job.attempts };
    if (status === "started" && error === null) {
      recorder.note(report);
      return undefined;
    }
    if (status !== "started") countSlot(metrics, slot.key, status);
    return recorder.record(report);
  };
  return {
    beforeRun: {
      phase: "consume",
      onError: "open",
      run: (input) => void record(input, "started", null),
    },
    afterRun: { run: (input) => record(input, "succeeded", null) },
    onFailure: {
      // What they decide tells whether this was the last attempt.
      after: ["retry", "breaker"],
      run: (input) =>
        record(
          input,
          isLast(input) ? "failed" : "started",
          messageOf(input.error).replaceAll("\0", "\\0").slice(0, MOST_ERROR),
        ),
    },
  };
}

function isLast({ isLastAttempt, decision }: FailureInput): boolean {
  return isLastAttempt || decision?.kind === "exhaust" || decision?.kind === "taken";
}
