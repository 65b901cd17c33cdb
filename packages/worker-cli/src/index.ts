export {
  ConfigFailedError,
  ConfigNotFoundError,
  InterruptedError,
  InvalidCommandError,
  InvalidConfigError,
  isConfigFailedError,
  isConfigNotFoundError,
  isInterruptedError,
  isInvalidCommandError,
  isInvalidConfigError,
  isNotConfirmedError,
  isUsageError,
  NotConfirmedError,
  UsageError,
} from "./errors.ts";
export { EXIT } from "./exit-codes.ts";
export { type RunCliOptions, runCli } from "./run-cli.ts";
