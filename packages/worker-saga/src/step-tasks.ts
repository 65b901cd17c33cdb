import { type AnyTask, defineTask } from "@oppulence/worker-core";
import type { StepRetry, StepShape } from "./definition.ts";
import type { ResolvedSagaOptions } from "./options.ts";
import type { Registry } from "./registry.ts";
import { stepTask } from "./step-job.ts";
import type { StepRunner } from "./step-runner.ts";

/** A step by its task. */
export interface TaskStep {
  readonly workflow: string;
  readonly id: string;
  readonly undo: boolean;
  readonly retry: StepRetry | undefined;
}

/** One task a step, and one for its compensation, whatever the number of definitions that have it. */
export function createStepTasks(
  registry: Registry,
  options: Pick<ResolvedSagaOptions, "maxAttempts" | "compensateMaxAttempts">,
  runner: () => StepRunner,
): { readonly tasks: readonly AnyTask[]; readonly steps: ReadonlyMap<string, TaskStep> } {
  const tasks = new Map<string, AnyTask>();
  const steps = new Map<string, TaskStep>();
  const add = (workflow: string, step: StepShape, undo: boolean) => {
    const identifier = stepTask(workflow, step.id, undo);
    if (tasks.has(identifier)) return;
    const retry = undo ? step.compensateRetry : step.retry;
    const most = undo ? options.compensateMaxAttempts : options.maxAttempts;
    steps.set(identifier, { workflow, id: step.id, undo, retry });
    const task = defineTask({
      ...step.taskOptions,
      identifier,
      spec: { ...step.spec, maxAttempts: retry?.maxAttempts ?? most },
      run: (payload, context) =>
        runner().run(payload, context, step.id, (hash) => registry.find(workflow, hash)),
    });
    tasks.set(identifier, task as AnyTask);
  };
  for (const { name, steps: all } of registry.all) {
    for (const step of all) {
      add(name, step, false);
      if (step.compensate !== undefined || step.kind === "child") add(name, step, true);
    }
  }
  return { tasks: [...tasks.values()], steps };
}
