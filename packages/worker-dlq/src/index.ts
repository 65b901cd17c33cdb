export type { CapturedError, ErrorCause } from "./captured-error.ts";
export type { DeadLetter, DeadLetterError, DeadLetterState } from "./dead-letter.ts";
export {
  DeadLetterMoveError,
  DlqTimeoutError,
  isDeadLetterMoveError,
  isDlqTimeoutError,
} from "./errors.ts";
export type { ExportFormat } from "./export.ts";
export type {
  DiscardInput,
  DlqFilter,
  DlqProgress,
  DlqQuery,
  DlqSelection,
  ReprocessInput,
} from "./filter.ts";
export {
  type DeadLetterPage,
  type DiscardResult,
  DLQManager,
  type DlqStats,
  type MoveInput,
} from "./manager.ts";
export type {
  ArchiveHook,
  DeadLetterHandler,
  DlqOptions,
  DlqPolicy,
  DlqTaskOption,
  HookContext,
  RequeueBackoffOptions,
  ResolvedDlqOptions,
  Retention,
} from "./options.ts";
export { type DlqPlugin, dlq } from "./plugin.ts";
export type { DeadLetterGroup, TaskSize } from "./postgres-counts.ts";
export type { EarlierError } from "./recent-errors.ts";
export type { Refusal, ReprocessResult } from "./tally.ts";
