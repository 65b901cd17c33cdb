import { hasCode } from "@oppulence/worker-core";

/** A handler or the archive hook did not settle in time. What it was called for is kept. */
export class DlqTimeoutError extends Error {
  readonly code = "DLQ_TIMEOUT";
  override readonly name = "DlqTimeoutError";
  /** `archive` or `onDeadLetter`. */
  readonly what: string;
  readonly timeoutMs: number;

  constructor(what: string, timeoutMs: number) {
    super(`${what} did not settle within ${timeoutMs} ms`);
    this.what = what;
    this.timeoutMs = timeoutMs;
  }
}

/** Whether an error is a {@link DlqTimeoutError}, of whichever copy of the package. */
export function isDlqTimeoutError(error: unknown): error is DlqTimeoutError {
  return hasCode(error, "DLQ_TIMEOUT");
}

/** A failed job could not be moved: it is still in the queue, and the reconciler will move it. */
export class DeadLetterMoveError extends Error {
  readonly code = "DEAD_LETTER_MOVE_FAILED";
  override readonly name = "DeadLetterMoveError";
  readonly jobIds: readonly string[];

  constructor(jobIds: readonly string[], cause: unknown) {
    const ids = jobIds.length > 5 ? `${jobIds.slice(0, 5).join(", ")}, …` : jobIds.join(", ");
    super(
      `could not move ${jobIds.length === 1 ? `job ${ids}` : `${jobIds.length} jobs (${ids})`}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
    this.jobIds = jobIds;
  }
}

/** Whether an error is a {@link DeadLetterMoveError}, of whichever copy of the package. */
export function isDeadLetterMoveError(error: unknown): error is DeadLetterMoveError {
  return hasCode(error, "DEAD_LETTER_MOVE_FAILED");
}
