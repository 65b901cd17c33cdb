export type { SagaApi } from "./api.ts";
export { defineWorkflow, type WorkflowInput } from "./define-workflow.ts";
export type {
  AlwaysContext,
  AlwaysInput,
  ChildInput,
  ChildResults,
  CompensateContext,
  CompensateRules,
  EachInput,
  EachResults,
  Failure,
  ItemContext,
  Known,
  RunRef,
  SignalInput,
  SleepInput,
  StepContext,
  StepInput,
  StepKind,
  StepRetry,
  StepRules,
  StepShape,
  When,
} from "./definition.ts";
export {
  InvalidValueError,
  InvalidWorkflowError,
  isInvalidValueError,
  isInvalidWorkflowError,
  isNotFoundError,
  isRunExistsError,
  isRunFailedError,
  isSagaTimeoutError,
  isUndeclaredDependencyError,
  isWrongStateError,
  NotFoundError,
  RunExistsError,
  RunFailedError,
  SagaTimeoutError,
  UndeclaredDependencyError,
  WrongStateError,
} from "./errors.ts";
export type { Flow } from "./flow.ts";
export type { Dependency, GatedJobInput, GatedJobOptions } from "./gates.ts";
export type { GraphFormat } from "./graph-export.ts";
export type { RunState, StepState } from "./moves.ts";
export type { ResolvedSagaOptions, SagaOptions } from "./options.ts";
export { type SagaPlugin, saga } from "./plugin.ts";
export type { GatePolicy } from "./postgres-gates.ts";
export type { RunFilter } from "./postgres-read.ts";
export type { PlannedStep, RedriveMode } from "./redrive.ts";
export type { RedriveOptions } from "./redriver.ts";
export type { RunResults } from "./results.ts";
export type { Signalled, SignalOptions } from "./signals.ts";
export type { Started, StartOptions } from "./starter.ts";
export type { Stored } from "./stored.ts";
export type { AttemptView, RunDetails, RunView, StepView } from "./view.ts";
export type {
  AnyWorkflow,
  Results,
  ResultsOf,
  Workflow,
  WorkflowJob,
  WorkflowRules,
} from "./workflow.ts";
