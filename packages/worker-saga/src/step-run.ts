import type { Job, TaskContext } from "@oppulence/worker-core";
import type { Attempt } from "./attempts.ts";
import type { StepShape } from "./definition.ts";
import type { Outcome, Settlement } from "./moves.ts";
import type { Begun } from "./postgres-store.ts";
import { toJson } from "./values.ts";
import type { AnyWorkflow } from "./workflow.ts";

/** One attempt on its way through its step's function. */
export interface StepRun {
  readonly workflow: AnyWorkflow;
  readonly number: number;
  readonly step: StepShape;
  readonly begun: Begun;
  readonly attempt: Attempt;
  readonly task: TaskContext;
  /** Copied: the core changes a job that is over. */
  readonly job: Pick<Job, "id" | "locked_by" | "job_queue_id">;
}

/** Thrown to roll back: the step is not this attempt's any more. */
export class Superseded extends Error {}

/** What came of an attempt, to be recorded. */
export function toSettlement(
  { job, attempt }: StepRun,
  outcome: Outcome,
  value: string | null,
  unknown = false,
): Settlement {
  const { run, step, item, attempt: token } = attempt;
  return { job: job.id, run, step, item, attempt: token, outcome, value, unknown };
}

/**
 * What a step returned, as JSON.
 *
 * @throws InvalidValueError
 */
export function toResultJson({ step }: StepRun, value: unknown, maxBytes: number): string | null {
  return toJson(value, `the result of step ${step.id}`, maxBytes) ?? null;
}
