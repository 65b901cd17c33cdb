import type { RunState, StepState } from "./moves.ts";
import type { StoredDefinition } from "./postgres-definitions.ts";
import type { AttemptRow, RunRow, StepRow } from "./postgres-read.ts";
import { messageOfFailure } from "./step-context.ts";

/** A run, as `get` and `list` show it. */
export interface RunView {
  readonly id: string;
  readonly workflow: string;
  readonly state: RunState;
  /** Why it is not on its way forward. */
  readonly failure: string | undefined;
  readonly cause: "step" | "deadline" | "cancelled" | undefined;
  readonly input: unknown;
  /** The run that it is a step of. */
  readonly parent: string | undefined;
  readonly definition: string;
  readonly createdAt: Date;
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
  readonly deadlineAt: Date | undefined;
}

/** A step of a run. */
export interface StepView {
  readonly id: string;
  readonly kind: string;
  readonly state: StepState;
  readonly dependsOn: readonly string[];
  readonly attempts: number;
  readonly error: string | undefined;
  readonly jobId: string | undefined;
  /** Of a fan-out. */
  readonly items: { readonly total: number; readonly open: number } | undefined;
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
  /** When a sleep or a wait ends by itself. */
  readonly dueAt: Date | undefined;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

/** A run with its steps. */
export interface RunDetails extends RunView {
  readonly steps: readonly StepView[];
}

/** An attempt of a step. */
export type AttemptView = AttemptRow;

/** Turns a row into what is shown. */
export function toRunView(row: RunRow): RunView {
  return {
    id: row.id,
    workflow: row.workflow,
    state: row.state,
    failure: row.cause === null ? undefined : toFailureText(row),
    cause: row.cause ?? undefined,
    input: row.input,
    parent: row.parent ?? undefined,
    definition: row.hash,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    deadlineAt: row.deadline_at ?? undefined,
  };
}

/** Why a run failed, in a sentence. */
function toFailureText({ error }: Pick<RunRow, "error">): string {
  const message = messageOfFailure(error);
  const item = typeof error?.item === "number" ? `[${error.item}]` : "";
  return error?.step === undefined ? message : `step ${error.step}${item}: ${message}`;
}

/** Turns a definition's step and its row into what is shown. */
export function toStepView(
  { steps }: StoredDefinition,
  definition: StoredDefinition["steps"][number],
  row: StepRow,
): StepView {
  const { id, kind, needs, metadata } = definition;
  return {
    id,
    kind,
    state: row.state,
    dependsOn: needs.map((need) => steps[need]?.id ?? ""),
    attempts: row.tries,
    error: row.error?.message,
    jobId: row.job_id ?? undefined,
    items:
      row.total === null ? undefined : { total: row.total, open: Math.max(0, row.open_items ?? 0) },
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    dueAt: row.due_at ?? undefined,
    metadata: metadata ?? undefined,
  };
}
