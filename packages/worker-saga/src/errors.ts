/** The code that something which was thrown carries, if any. */
function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null
    ? (error as { code?: unknown }).code
    : undefined;
}

/** A workflow's definition is wrong. */
export class InvalidWorkflowError extends Error {
  readonly code = "INVALID_WORKFLOW";
  override readonly name = "InvalidWorkflowError";
  readonly workflow: string;
  /** One sentence each. */
  readonly problems: readonly string[];

  constructor(workflow: string, problems: readonly string[]) {
    super(`workflow ${JSON.stringify(workflow)}: ${problems.join("; ")}`);
    this.workflow = workflow;
    this.problems = problems;
  }
}

/** Whether an error is an {@link InvalidWorkflowError}, of whichever copy of the package. */
export function isInvalidWorkflowError(error: unknown): error is InvalidWorkflowError {
  return codeOf(error) === "INVALID_WORKFLOW";
}

/** An input, a result or a signal's payload is not what it has to be. Trying again would not mend it. */
export class InvalidValueError extends Error {
  readonly code = "INVALID_VALUE";
  override readonly name = "InvalidValueError";
}

/** Whether an error is an {@link InvalidValueError}, of whichever copy of the package. */
export function isInvalidValueError(error: unknown): error is InvalidValueError {
  return codeOf(error) === "INVALID_VALUE";
}

/** A run with the id is there, and was started with something else. */
export class RunExistsError extends Error {
  readonly code = "RUN_EXISTS";
  override readonly name = "RunExistsError";
  readonly id: string;

  constructor(id: string, difference: string) {
    super(`run ${JSON.stringify(id)} was started before, otherwise: ${difference}`);
    this.id = id;
  }
}

/** Whether an error is a {@link RunExistsError}, of whichever copy of the package. */
export function isRunExistsError(error: unknown): error is RunExistsError {
  return codeOf(error) === "RUN_EXISTS";
}

/** No run, workflow or step has the name. */
export class NotFoundError extends Error {
  readonly code = "NOT_FOUND";
  override readonly name = "NotFoundError";
}

/** Whether an error is a {@link NotFoundError}, of whichever copy of the package. */
export function isNotFoundError(error: unknown): error is NotFoundError {
  return codeOf(error) === "NOT_FOUND";
}

/** What is asked of a run does not go in the state that it is in. */
export class WrongStateError extends Error {
  readonly code = "WRONG_STATE";
  override readonly name = "WrongStateError";
  readonly id: string;
  readonly state: string;

  constructor(id: string, state: string, problem: string) {
    super(`run ${JSON.stringify(id)} is ${state}: ${problem}`);
    this.id = id;
    this.state = state;
  }
}

/** Whether an error is a {@link WrongStateError}, of whichever copy of the package. */
export function isWrongStateError(error: unknown): error is WrongStateError {
  return codeOf(error) === "WRONG_STATE";
}

/** A run whose result was asked for did not succeed. */
export class RunFailedError extends Error {
  readonly code = "RUN_FAILED";
  override readonly name = "RunFailedError";
  readonly id: string;
  readonly state: string;

  constructor(id: string, state: string, message: string) {
    super(`run ${JSON.stringify(id)} is ${state}: ${message}`);
    this.id = id;
    this.state = state;
  }
}

/** Whether an error is a {@link RunFailedError}, of whichever copy of the package. */
export function isRunFailedError(error: unknown): error is RunFailedError {
  return codeOf(error) === "RUN_FAILED";
}

/** A run did not end, or an attempt did not settle, within its time. */
export class SagaTimeoutError extends Error {
  readonly code = "SAGA_TIMEOUT";
  override readonly name = "SagaTimeoutError";
}

/** Whether an error is a {@link SagaTimeoutError}, of whichever copy of the package. */
export function isSagaTimeoutError(error: unknown): error is SagaTimeoutError {
  return codeOf(error) === "SAGA_TIMEOUT";
}

/** A step read the result of one that it does not depend on. */
export class UndeclaredDependencyError extends Error {
  readonly code = "UNDECLARED_DEPENDENCY";
  override readonly name = "UndeclaredDependencyError";

  constructor(step: string, read: string) {
    super(
      `step ${JSON.stringify(step)} reads the result of ${JSON.stringify(read)}, on which it does not depend: add it to dependsOn`,
    );
  }
}

/** Whether an error is an {@link UndeclaredDependencyError}, of whichever copy of the package. */
export function isUndeclaredDependencyError(error: unknown): error is UndeclaredDependencyError {
  return codeOf(error) === "UNDECLARED_DEPENDENCY";
}
