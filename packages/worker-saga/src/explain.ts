import type { ExplainInput, Explanation } from "@oppulence/worker-core";
import type { Registry } from "./registry.ts";
import { toStepJob } from "./step-job.ts";
import type { TaskStep } from "./step-tasks.ts";

/** What a step's job is of, and whether this process could run it. */
export function explainStep(
  { job }: ExplainInput,
  steps: ReadonlyMap<string, TaskStep>,
  registry: Registry,
): Explanation | undefined {
  const of = steps.get(job.task_identifier);
  const given = of && toStepJob(job.payload);
  if (of === undefined || given === undefined) return undefined;
  const what = of.undo ? "the compensation of step" : "step";
  const message = `it is ${what} ${of.id} of run ${given.id} of ${of.workflow}`;
  if (registry.find(of.workflow, given.hash) !== undefined)
    return { code: "STEP", message, blocking: false };
  return {
    code: "OTHER_DEFINITION",
    message: `${message}, on definition ${given.hash}, which is not here`,
    blocking: true,
  };
}
