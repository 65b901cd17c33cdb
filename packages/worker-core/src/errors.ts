import type { Reason } from "./contract/reason.ts";
import { hasCode } from "./error-chain.ts";
import { didYouMean } from "./suggest.ts";

/** A worker or client was put together wrongly: plugins, tasks or options. Thrown by `createWorker` and its kin. */
export class ConfigurationError extends Error {
  readonly code = "INVALID_CONFIGURATION";
  override readonly name = "ConfigurationError";
  /** One sentence each. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      problems.length === 1
        ? problems[0]
        : `${problems.length} problems:\n- ${problems.join("\n- ")}`,
    );
    this.problems = problems;
  }
}

/** Whether an error is a {@link ConfigurationError}, of whichever copy of the package. */
export function isConfigurationError(error: unknown): error is ConfigurationError {
  return hasCode(error, "INVALID_CONFIGURATION");
}

/** No task of this name is known to the worker or client that was asked to add a job for it. */
export class UnknownTaskError extends Error {
  readonly code = "UNKNOWN_TASK";
  override readonly name = "UnknownTaskError";
  readonly task: string;

  constructor(task: string, known: Iterable<string>, where = "") {
    const names = [...known];
    super(
      `${where}unknown task ${JSON.stringify(task)}${didYouMean(task, names)}; known: ${names.length === 0 ? "none" : names.slice(0, 20).join(", ")}. Add the task to \`tasks\`, or declare it with declareTask if another program runs it`,
    );
    this.task = task;
  }
}

/** Whether an error is an {@link UnknownTaskError}, of whichever copy of the package. */
export function isUnknownTaskError(error: unknown): error is UnknownTaskError {
  return hasCode(error, "UNKNOWN_TASK");
}

/** A payload does not match its task's schema. */
export class InvalidPayloadError extends Error {
  readonly code = "INVALID_PAYLOAD";
  override readonly name = "InvalidPayloadError";
  readonly task: string;

  constructor(task: string, issues: string, where = "") {
    super(`${where}payload of task ${JSON.stringify(task)} does not match its schema: ${issues}`);
    this.task = task;
  }
}

/** Whether an error is an {@link InvalidPayloadError}, of whichever copy of the package. */
export function isInvalidPayloadError(error: unknown): error is InvalidPayloadError {
  return hasCode(error, "INVALID_PAYLOAD");
}

/** A job's options (priority, maxAttempts, labels, …) are out of range. */
export class InvalidJobError extends Error {
  readonly code = "INVALID_JOB";
  override readonly name = "InvalidJobError";
}

/** Whether an error is an {@link InvalidJobError}, of whichever copy of the package. */
export function isInvalidJobError(error: unknown): error is InvalidJobError {
  return hasCode(error, "INVALID_JOB");
}

/** A job with the same key was claimed at this very moment. Nothing was added; adding again will work. */
export class JobKeyBusyError extends Error {
  readonly code = "JOB_KEY_BUSY";
  override readonly name = "JobKeyBusyError";

  constructor(options?: ErrorOptions) {
    super(
      "a job with one of these job keys was claimed at this very moment; nothing was added, add them again",
      options,
    );
  }
}

/** Whether an error is a {@link JobKeyBusyError}, of whichever copy of the package. */
export function isJobKeyBusyError(error: unknown): error is JobKeyBusyError {
  return hasCode(error, "JOB_KEY_BUSY");
}

/** A plugin refused a job on its way in. */
export class JobRejectedError extends Error {
  readonly code = "JOB_REJECTED";
  override readonly name = "JobRejectedError";
  readonly reason: Reason;

  constructor(reason: Reason, cause: unknown, where = "") {
    super(`${where}plugin ${reason.plugin} rejected the job: ${reason.message} (${reason.code})`, {
      cause,
    });
    this.reason = reason;
  }
}

/** Whether an error is a {@link JobRejectedError}, of whichever copy of the package. */
export function isJobRejectedError(error: unknown): error is JobRejectedError {
  return hasCode(error, "JOB_REJECTED");
}

/** A plugin failed a job for good before it ran. Recorded as the job's last error. */
export class JobFailedError extends Error {
  readonly code = "JOB_FAILED";
  override readonly name = "JobFailedError";
  readonly reason: Reason;

  constructor(reason: Reason, cause: unknown) {
    super(`${reason.message} (${reason.plugin}: ${reason.code})`, { cause });
    this.reason = reason;
  }
}

/** Whether an error is a {@link JobFailedError}, of whichever copy of the package. */
export function isJobFailedError(error: unknown): error is JobFailedError {
  return hasCode(error, "JOB_FAILED");
}

/** A plugin's hook (or permit, or `around`) did what the contract forbids: timed out, or returned no decision. */
export class HookError extends Error {
  readonly code = "HOOK_FAILED";
  override readonly name = "HookError";
  readonly plugin: string;
  readonly hook: string;

  constructor(plugin: string, hook: string, problem: string, cause?: unknown) {
    super(`plugin ${plugin}, ${hook}: ${problem}`, { cause });
    this.plugin = plugin;
    this.hook = hook;
  }
}

/** Whether an error is a {@link HookError}, of whichever copy of the package. */
export function isHookError(error: unknown): error is HookError {
  return hasCode(error, "HOOK_FAILED");
}

/** The text of anything that was thrown; never throws itself, never empty. */
export function messageOf(error: unknown): string {
  try {
    if (typeof error === "object" && error !== null && "message" in error) {
      const message = String(error.message);
      if (message !== "") return message;
    }
    return String(error) || "an error without a message";
  } catch {
    return "an error that cannot be printed";
  }
}
