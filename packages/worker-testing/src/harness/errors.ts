import type { JobExplanation } from "@oppulence/worker-core";

/** What was waited for did not come about in time. */
export class HarnessTimeoutError extends Error {
  readonly code = "HARNESS_TIMEOUT";
  override readonly name = "HarnessTimeoutError";
  /** What `explain` said of the jobs in question when the time was up. */
  readonly explanations: readonly JobExplanation[];

  constructor(message: string, explanations: readonly JobExplanation[]) {
    super(message);
    this.explanations = explanations;
  }
}

/** Whether an error is a {@link HarnessTimeoutError}, of whichever copy of the package. */
export function isHarnessTimeoutError(error: unknown): error is HarnessTimeoutError {
  return (
    typeof error === "object" &&
    error !== null &&
    (error as { code?: unknown }).code === "HARNESS_TIMEOUT"
  );
}
