import type { ClaimedJob, FailureInput, Job, PluginHost, Query } from "@oppulence/worker-core";
import { type CapturedError, captureError } from "./captured-error.ts";
import { type DeadLetter, type DeadLetterRow, toDeadLetter } from "./dead-letter.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { HandlerQueue } from "./handlers.ts";
import type { DlqMetrics } from "./metrics.ts";
import type { Policies } from "./policies.ts";
import { type MovedRow, type MoveItem, moveJobs, nameCauses, redactRows } from "./postgres-move.ts";
import type { DlqStore } from "./postgres-store.ts";
import { type EarlierError, earlierErrors } from "./recent-errors.ts";
import { redact } from "./redact.ts";

declare module "@oppulence/worker-core" {
  interface EventMap {
    /** Jobs became dead letters, and that is committed. */
    "dlq:moved": {
      readonly id: string;
      readonly jobId: string;
      readonly task: string;
      readonly reason: string;
    };
    /** A dead letter went back to the queue as a new job. */
    "dlq:reprocessed": { readonly id: string; readonly task: string; readonly newJobId: string };
    /** Dead letters were deleted for good: by a person, or by the retention. */
    "dlq:deleted": { readonly ids: readonly string[]; readonly why: "discarded" | "retention" };
  }
}

/** What a {@link Mover} needs. */
export interface MoverInput {
  readonly host: Pick<PluginHost, "engine" | "schema" | "transaction" | "events">;
  readonly store: DlqStore;
  readonly policies: Policies;
  readonly metrics: DlqMetrics;
  readonly handlers: HandlerQueue;
  readonly maxRequeues: number;
}

/** What has to be known of a claimed job to move it. */
export type FailedJob = ClaimedJob & Pick<Job, "task_identifier">;

/** What a caller of `moveToDeadLetter` knows. */
export interface KnownFailure {
  readonly reason: string;
  /** Undefined: the engine's last error. */
  readonly error: unknown;
}

/** Moves jobs from the queue to the dead letters, and tells of it. */
export class Mover {
  readonly #input: MoverInput;

  constructor(input: MoverInput) {
    this.#input = input;
  }

  /**
   * Moves claimed jobs whose last attempt failed: one statement for all of them.
   *
   * @returns ids of the jobs that were moved
   * @throws what the database throws; then none was moved
   */
  async moveClaimed(
    jobs: readonly FailedJob[],
    items: readonly MoveItem[],
  ): Promise<ReadonlySet<string>> {
    const { host } = this.#input;
    const full = jobs.some(({ task_identifier: task }) => this.#hasHandlers(task));
    const rows = await moveJobs(host, { claimed: jobs }, items, full);
    this.#announce(rows, full ? rows : []);
    return new Set(rows.map(({ job_id }) => job_id));
  }

  /**
   * Moves failed jobs that nobody holds and of which only the row is known.
   *
   * @returns how many were still there
   */
  async moveFailed(ids: readonly string[]): Promise<number> {
    const { host } = this.#input;
    return (await this.#withFollowUp((query) => moveJobs(host, { failed: ids }, [], false, query)))
      .length;
  }

  /**
   * Moves one job: a claimed one (of a pool that may be dead), or by id one that nobody holds.
   *
   * @param query - the caller's transaction; handlers and events are then not told, as it may roll back
   * @returns the dead letter's id; undefined when the job was not there to be moved
   */
  async moveOne(
    job: Job | string,
    known: KnownFailure,
    query?: Query,
  ): Promise<string | undefined> {
    const { host } = this.#input;
    const choice = typeof job === "string" ? { waiting: [job] } : { claimed: [job] };
    const rows = await this.#withFollowUp(
      (inTransaction) => moveJobs(host, choice, [itemOf(job, known)], false, inTransaction),
      query,
    );
    return rows[0]?.id;
  }

  /** What the statement could not know is added in its transaction: causes, and redacted payloads. */
  async #withFollowUp(
    move: (query: Query) => Promise<MovedRow[]>,
    caller?: Query,
  ): Promise<MovedRow[]> {
    const { host, policies, store } = this.#input;
    const body = async (query: Query) => {
      const rows = await move(query);
      await nameCauses(host.schema, rows, query);
      await redactRows(host.schema, rows, (task) => policies.of(task).redact, query);
      const told = rows.filter(({ task }) => this.#hasHandlers(task)).map(({ id }) => id);
      const entries =
        told.length === 0 || caller !== undefined ? [] : await store.read(told, query);
      return { rows, entries };
    };
    if (caller === undefined) {
      const { rows, entries } = await host.transaction(body);
      this.#announce(rows, entries);
      return rows;
    }
    const { rows } = await body(caller);
    this.#count(rows);
    return rows;
  }

  #hasHandlers(task: string): boolean {
    return this.#input.policies.of(task).handlers.length > 0;
  }

  #count(rows: readonly MovedRow[]): void {
    for (const { task, reason } of rows) this.#input.metrics.jobs.add(1, { task, reason });
  }

  #announce(rows: readonly MovedRow[], entries: readonly MovedRow[]): void {
    const { host, handlers, maxRequeues } = this.#input;
    this.#count(rows);
    if (host.events.has("dlq:moved")) {
      for (const { id, job_id: jobId, task, reason } of rows)
        host.events.emit("dlq:moved", { id, jobId, task, reason });
    }
    if (entries.length === 0) return;
    handlers.tell(
      entries.map((row): DeadLetter => toDeadLetter(row as DeadLetterRow, maxRequeues)),
    );
  }
}

function itemOf(job: Job | string, { reason, error }: KnownFailure): MoveItem {
  const captured = error === undefined ? undefined : captureError(error);
  const task = typeof job === "string" ? undefined : job.task_identifier;
  return {
    id: typeof job === "string" ? job : job.id,
    reason,
    error: captured,
    // Of a job that is known by its id alone, the row tells the task.
    fingerprint: captured && task !== undefined ? fingerprintOf({ task, ...captured }) : undefined,
    earlier: captured && typeof job !== "string" ? earlierErrors([], job.last_error) : [],
    payload: undefined,
    redacted: undefined,
  };
}

/**
 * What the hook knows of a job that failed for good.
 *
 * @param seen - errors of earlier attempts
 * @param paths - of the payload, to be redacted
 */
export function itemOfFailure(
  { job, error, left }: Pick<FailureInput, "job" | "error" | "left">,
  reason: string,
  seen: readonly EarlierError[],
  paths: readonly string[],
): MoveItem {
  const captured: CapturedError = captureError(error);
  const payload = left ?? job.payload;
  const redacted = paths.length === 0 ? undefined : redact(payload, paths);
  const isChanged = left !== undefined || (redacted !== undefined && redacted.paths.length > 0);
  return {
    id: job.id,
    reason,
    error: captured,
    fingerprint: fingerprintOf({ task: job.task_identifier, ...captured }),
    earlier: earlierErrors(seen, job.last_error),
    payload: isChanged ? JSON.stringify(redacted?.payload ?? payload) : undefined,
    redacted: redacted !== undefined && redacted.paths.length > 0 ? redacted.paths : undefined,
  };
}
