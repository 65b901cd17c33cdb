import type { JobRecord } from "@oppulence/worker-core";
import type { Column } from "../../io/table.ts";
import { labelsOf, plainFlagsOf } from "./labels-of.ts";

/** A job as `jobs list` tells of it. */
export interface JobView extends Record<string, unknown> {
  readonly id: string;
  readonly task: string;
  readonly state: JobRecord["state"];
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly runAt: Date;
  readonly queue: string | null;
  readonly priority: number;
  readonly key: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly lastError: string | null;
  /** Why a plugin moved or held the job. */
  readonly note: JobRecord["note"] | null;
}

/** The row without its payload. */
export function viewJob({ job, state, note }: JobRecord): JobView {
  return {
    id: job.id,
    task: job.task_identifier,
    state,
    attempts: job.attempts,
    maxAttempts: job.max_attempts,
    runAt: job.run_at,
    queue: job.queue_name,
    priority: job.priority,
    key: job.key,
    labels: labelsOf(job.flags),
    lastError: job.last_error,
    note: note ?? null,
  };
}

/** Everything of the row. */
export function viewWholeJob(record: JobRecord): Record<string, unknown> {
  const { job } = record;
  const { note, lastError, ...view } = viewJob(record);
  return {
    ...view,
    flags: plainFlagsOf(job.flags),
    createdAt: job.created_at,
    updatedAt: job.updated_at,
    lockedAt: job.locked_at,
    lockedBy: job.locked_by,
    revision: job.revision,
    lastError,
    note,
    payload: job.payload,
  };
}

/** What people see of a list. */
export const JOB_COLUMNS: readonly Column[] = [
  "id",
  "task",
  "state",
  { key: "attempts", value: ({ attempts, maxAttempts }) => `${attempts}/${maxAttempts}` },
  "runAt",
  "priority",
  "queue",
  { key: "labels", value: ({ labels }) => labelsText(labels as JobView["labels"]) },
  { key: "why", value: (row) => why(row as JobView) },
];

function labelsText(labels: JobView["labels"]): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

/** A note is why the job waits now; an error is why it failed before. */
function why({ note, lastError }: JobView): string | null {
  return note === null || note === undefined ? lastError : `${note.plugin}: ${note.message}`;
}
