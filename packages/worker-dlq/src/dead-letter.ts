import { fromFlags, type Labels } from "@oppulence/worker-core";
import type { ErrorCause } from "./captured-error.ts";
import type { EarlierError } from "./recent-errors.ts";

/** Labels by which a reprocessed job tells where it comes from. */
export const ORIGIN_LABEL = "dlq.origin";
export const REQUEUES_LABEL = "dlq.requeues";

/**
 * Where a dead letter stands: never reprocessed, came back after it was, or has used up its requeues (only
 * `force` reprocesses it).
 */
export type DeadLetterState = "dead" | "returned" | "spent";

/** What went wrong. */
export interface DeadLetterError {
  /** Undefined where only the engine saw the error, which keeps its message alone. */
  readonly name: string | undefined;
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
  readonly causes: readonly ErrorCause[];
}

/** A job that failed for good, with what went wrong. */
export interface DeadLetter {
  /** Ascending in the order in which jobs were moved, nearly: the cursor of pages. */
  readonly id: string;
  /** The id that the job had in the queue. */
  readonly jobId: string;
  /** The id of the first job of its history. */
  readonly originId: string;
  /** How often it had been reprocessed when it died. */
  readonly requeueCount: number;
  readonly state: DeadLetterState;
  readonly task: string;
  readonly queueName: string | undefined;
  readonly jobKey: string | undefined;
  readonly priority: number;
  /** Undefined in a list when it has more than 64 KB; see `payloadSize`, and `get`. */
  readonly payload: unknown;
  /** Bytes of the payload as JSON. */
  readonly payloadSize: number;
  /** Paths of the payload whose values were replaced before it was stored. */
  readonly redacted: readonly string[];
  readonly labels: Labels;
  /** graphile-worker's flags, those that are labels included. */
  readonly flags: readonly string[];
  readonly attempts: number;
  readonly maxAttempts: number;
  /** When the last attempt was due. */
  readonly runAt: Date;
  /** When the job was added. */
  readonly createdAt: Date;
  /** When the last attempt failed. */
  readonly failedAt: Date;
  /** When the job was moved. */
  readonly deadAt: Date;
  /** Why it has no attempt left: `attempts_exhausted`, `invalid_payload`, `crash_loop`, … */
  readonly reason: string;
  readonly error: DeadLetterError;
  /** Errors of earlier attempts, oldest first, as far as they are known. */
  readonly earlierErrors: readonly EarlierError[];
  /** The same for dead letters of one cause. */
  readonly fingerprint: string;
  /** The pool that ran the last attempt, where it is known. */
  readonly worker: string | undefined;
  /** The value of the label `trace`. */
  readonly trace: string | undefined;
}

/** A row of the table. */
export interface DeadLetterRow {
  id: string;
  job_id: string;
  origin_id: string;
  requeue_count: number;
  task: string;
  queue_name: string | null;
  job_key: string | null;
  priority: number;
  payload: string | null;
  payload_size: number;
  redacted: string[] | null;
  flags: Record<string, true> | null;
  attempts: number;
  max_attempts: number;
  run_at: Date;
  created_at: Date;
  failed_at: Date;
  dead_at: Date;
  reason: string;
  error_name: string | null;
  error_code: string | null;
  error_message: string;
  error_stack: string | null;
  error_causes: ErrorCause[] | null;
  earlier_errors: EarlierError[] | null;
  fingerprint: string;
  worker: string | null;
}

/**
 * A row as users see it.
 *
 * @param maxRequeues - the option, for the state
 */
export function toDeadLetter(row: DeadLetterRow, maxRequeues: number): DeadLetter {
  const labels = fromFlags(row.flags);
  return {
    id: row.id,
    jobId: row.job_id,
    originId: row.origin_id,
    requeueCount: row.requeue_count,
    state: stateOf(row.requeue_count, maxRequeues),
    task: row.task,
    queueName: row.queue_name ?? undefined,
    jobKey: row.job_key ?? undefined,
    priority: row.priority,
    payload: row.payload === null ? undefined : JSON.parse(row.payload),
    payloadSize: row.payload_size,
    redacted: row.redacted ?? [],
    labels,
    flags: Object.keys(row.flags ?? {}),
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    runAt: row.run_at,
    createdAt: row.created_at,
    failedAt: row.failed_at,
    deadAt: row.dead_at,
    reason: row.reason,
    error: {
      name: row.error_name ?? undefined,
      code: row.error_code ?? undefined,
      message: row.error_message,
      stack: row.error_stack ?? undefined,
      causes: row.error_causes ?? [],
    },
    earlierErrors: row.earlier_errors ?? [],
    fingerprint: row.fingerprint,
    worker: row.worker ?? undefined,
    trace: labels["trace"],
  };
}

function stateOf(requeueCount: number, maxRequeues: number): DeadLetterState {
  if (requeueCount >= maxRequeues) return "spent";
  return requeueCount === 0 ? "dead" : "returned";
}
