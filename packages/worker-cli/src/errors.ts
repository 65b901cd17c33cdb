function hasCode(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && (error as { code?: unknown }).code === code;
}

/** A command was called wrongly: an option or an argument cannot be used. Exit code 2. */
export class UsageError extends Error {
  readonly code = "INVALID_USAGE";
  override readonly name = "UsageError";
}

/** Whether an error is a {@link UsageError}, of whichever copy of the package. */
export function isUsageError(error: unknown): error is UsageError {
  return hasCode(error, "INVALID_USAGE");
}

/** There is no config file where it was looked for. Exit code 2. */
export class ConfigNotFoundError extends Error {
  readonly code = "CONFIG_NOT_FOUND";
  override readonly name = "ConfigNotFoundError";
}

/** Whether an error is a {@link ConfigNotFoundError}, of whichever copy of the package. */
export function isConfigNotFoundError(error: unknown): error is ConfigNotFoundError {
  return hasCode(error, "CONFIG_NOT_FOUND");
}

/** The config file, or a module it imports, could not be loaded or threw. Exit code 2. */
export class ConfigFailedError extends Error {
  readonly code = "CONFIG_FAILED";
  override readonly name = "ConfigFailedError";
  /** Absolute path of the config file. */
  readonly file: string;

  constructor(file: string, message: string, cause: unknown) {
    super(message, { cause });
    this.file = file;
  }
}

/** Whether an error is a {@link ConfigFailedError}, of whichever copy of the package. */
export function isConfigFailedError(error: unknown): error is ConfigFailedError {
  return hasCode(error, "CONFIG_FAILED");
}

/** What the config file exports is not a worker's options. Exit code 2. */
export class InvalidConfigError extends Error {
  readonly code = "INVALID_CONFIG";
  override readonly name = "InvalidConfigError";
}

/** Whether an error is an {@link InvalidConfigError}, of whichever copy of the package. */
export function isInvalidConfigError(error: unknown): error is InvalidConfigError {
  return hasCode(error, "INVALID_CONFIG");
}

/** Commands that plugins contribute have each other's names, or break the contract. Exit code 2. */
export class InvalidCommandError extends Error {
  readonly code = "INVALID_COMMAND";
  override readonly name = "InvalidCommandError";
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

/** Whether an error is an {@link InvalidCommandError}, of whichever copy of the package. */
export function isInvalidCommandError(error: unknown): error is InvalidCommandError {
  return hasCode(error, "INVALID_COMMAND");
}

/** A signal ended a command before it was done. Exit code: 128 + the signal's number. */
export class InterruptedError extends Error {
  readonly code = "INTERRUPTED";
  override readonly name = "InterruptedError";
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals = "SIGINT") {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

/** Whether an error is an {@link InterruptedError}, of whichever copy of the package. */
export function isInterruptedError(error: unknown): error is InterruptedError {
  return hasCode(error, "INTERRUPTED");
}

/** A change was not confirmed: the answer was no, or there was nobody to ask and no `--yes`. Exit code 1. */
export class NotConfirmedError extends Error {
  readonly code = "NOT_CONFIRMED";
  override readonly name = "NotConfirmedError";

  constructor() {
    super("nothing was changed: it was not confirmed");
  }
}

/** Whether an error is a {@link NotConfirmedError}, of whichever copy of the package. */
export function isNotConfirmedError(error: unknown): error is NotConfirmedError {
  return hasCode(error, "NOT_CONFIRMED");
}
