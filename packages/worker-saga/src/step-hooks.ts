import {
  type AfterRunHook,
  type BeforeRunHook,
  type Duration,
  defer,
  type FailureDecision,
  type FailureInput,
  messageOf,
  type OnFailureHook,
  retry,
  type TaskInfo,
  taken,
} from "@oppulence/worker-core";
import type { Attempt } from "./attempts.ts";
import { isInvalidValueError, isUndeclaredDependencyError } from "./errors.ts";
import { GATE_LABEL, type Gates } from "./gates.ts";
import type { SagaMetrics } from "./metrics.ts";
import type { Outcome, Settlement } from "./moves.ts";
import type { Recorder } from "./recorder.ts";
import type { Registry } from "./registry.ts";
import { STEP_TASKS, type StepJob, toStepJob } from "./step-job.ts";
import type { StepRunner } from "./step-runner.ts";
import type { TaskStep } from "./step-tasks.ts";
import type { Strays } from "./strays.ts";
import { toStoredError } from "./values.ts";

/** What the hooks need. */
export interface StepHooksInput {
  readonly registry: Registry;
  readonly steps: ReadonlyMap<string, TaskStep>;
  readonly runner: StepRunner;
  readonly recorder: Recorder;
  readonly strays: Strays;
  readonly metrics: SagaMetrics;
}

const PERMANENT = { code: "INVALID_VALUE", message: "another attempt would end the same way" };

const isStepTask = ({ identifier }: TaskInfo) => identifier.startsWith(STEP_TASKS);

/**
 * `beforeRun`: a step runs only where the definition is that its run was started on. Synchronous where it is; else
 * the job is deferred, and noted for a process that has it.
 */
export function definitionHook({ registry, steps, strays }: StepHooksInput): BeforeRunHook {
  return {
    phase: "gate",
    onError: "closed",
    appliesTo: isStepTask,
    run({ job, task }) {
      const of = steps.get(task.identifier);
      const given = of && toStepJob(job.payload);
      if (
        of === undefined ||
        given === undefined ||
        registry.find(of.workflow, given.hash) !== undefined
      )
        return undefined;
      const message = `run ${given.id} was started on definition ${given.hash} of ${of.workflow}, which this worker does not have`;
      return strays
        .note({ job: job.id, workflow: of.workflow, hash: given.hash })
        .then((after) => defer({ after }, { code: "OTHER_DEFINITION", message }));
    },
  };
}

/** `afterRun`: what waits for a job may go on, before the job's row is gone. Synchronous without a gate. */
export function gateHook(gates: Pick<Gates, "succeeded">): AfterRunHook {
  return {
    timeout: "30s",
    run({ labels }) {
      const gate = labels[GATE_LABEL];
      return gate === undefined ? undefined : gates.succeeded(gate);
    },
  };
}

/**
 * `onFailure`: records what came of the attempt, after all plugins that decide whether there is another one. The
 * last one goes with its job, in one transaction, unless another plugin has taken the job already.
 *
 * Synchronous for a task that is no step's, and a job that nothing waits for.
 */
export function failureHook(
  input: StepHooksInput,
  gates: Pick<Gates, "failed"> | undefined,
): OnFailureHook {
  const { steps } = input;
  return {
    after: ["retry", "breaker", "dlq"],
    timeout: "30s",
    appliesTo: (task) => gates !== undefined || isStepTask(task),
    run(failure) {
      const of = steps.get(failure.job.task_identifier);
      if (of !== undefined) return recordFailure(input, of, failure);
      const gate = failure.isLastAttempt ? failure.labels[GATE_LABEL] : undefined;
      return gate === undefined ? undefined : gates?.failed(gate);
    },
  };
}

function recordFailure(
  { registry, runner, recorder, metrics }: StepHooksInput,
  of: TaskStep,
  failure: FailureInput,
): FailureDecision | undefined | Promise<FailureDecision | undefined> {
  const { job, error, isLastAttempt, decision } = failure;
  const given = toStepJob(job.payload);
  const attempt = runner.attemptOf(job);
  if (given === undefined || attempt?.settled === true) return undefined;
  const isPermanent = isInvalidValueError(error) || isUndeclaredDependencyError(error);
  const number = attempt?.step ?? numberOf(registry, of, given);
  if (number === undefined) return undefined;
  const item = toSettlement(failure, given, number, attempt);
  const failed = (cause: unknown): false => {
    metrics.errors.add(1, { what: "record" });
    const what = `what came of step ${of.id} of run ${given.id}`;
    failure.logger.error(`could not record ${what}: ${messageOf(cause)}`, { error: cause });
    return false;
  };
  if (decision?.kind === "taken")
    return recorder
      .settle(item)
      .catch(failed)
      .then(() => undefined);
  if (isLastAttempt || isPermanent) {
    const { id, locked_by, job_queue_id } = job;
    const moved = recorder
      .settleClaimed({ job: { id, locked_by, job_queue_id }, item })
      .catch(failed);
    return taken(moved, isPermanent && !isLastAttempt ? PERMANENT : undefined);
  }
  const wait = backoffOf(of, job.attempts, error);
  return recorder
    .settle({ ...item, outcome: "retry" })
    .catch(failed)
    .then(() => (wait === undefined ? undefined : retry({ after: wait })));
}

function toSettlement(
  { job, error }: FailureInput,
  given: StepJob,
  step: number,
  attempt: Attempt | undefined,
): Settlement {
  const outcome: Outcome = attempt?.ending === undefined ? "failed" : "timed_out";
  return {
    job: job.id,
    run: given.run,
    step,
    item: given.item ?? -1,
    attempt: attempt?.attempt ?? -1,
    outcome,
    value: toStoredError(error),
    // Ended from outside, or it returned what cannot be recorded: it may have run.
    unknown: attempt?.exact === false && (attempt.ending !== undefined || attempt.ran),
  };
}

function numberOf(registry: Registry, of: TaskStep, given: StepJob): number | undefined {
  const number = registry.find(of.workflow, given.hash)?.steps.findIndex(({ id }) => id === of.id);
  return number === undefined || number < 0 ? undefined : number;
}

function backoffOf(
  { retry: rules }: TaskStep,
  attempt: number,
  error: unknown,
): Duration | undefined {
  const backoff = rules?.backoff;
  if (typeof backoff === "function") return backoff(attempt, error);
  if (Array.isArray(backoff)) return (backoff as Duration[])[Math.min(attempt, backoff.length) - 1];
  return backoff as Duration | undefined;
}
