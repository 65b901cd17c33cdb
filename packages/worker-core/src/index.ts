export type { CancelReport } from "./cancel.ts";
export { Channel, type ChannelInput, notify } from "./channel.ts";
export { checkConfig } from "./check-config.ts";
export { type Client, createClient } from "./client.ts";
export { type Clock, systemClock } from "./clock.ts";
export type { Bound, Composition, Installed } from "./compose/compose.ts";
export type {
  Command,
  CommandArgument,
  CommandInput,
  CommandIo,
  CommandOption,
} from "./contract/command.ts";
export {
  type Around,
  addLabels,
  type ContinueDecision,
  continueWith,
  type DeferDecision,
  type DropDecision,
  defer,
  drop,
  type EnqueueDecision,
  type ExhaustDecision,
  exhaust,
  type FailDecision,
  type FailureDecision,
  fail,
  type JobPatch,
  type ProceedDecision,
  proceed,
  type RejectDecision,
  type RetryDecision,
  type RunDecision,
  reject,
  retry,
  type SkipDecision,
  skip,
  type TakenDecision,
  taken,
  type Until,
} from "./contract/decisions.ts";
export {
  type AfterRunHook,
  type AfterRunInput,
  type BeforeEnqueueHook,
  type BeforeRunHook,
  ENQUEUE_PHASES,
  type EnqueueInput,
  type EnqueuePhase,
  type FailureInput,
  type HookCall,
  type HookName,
  type HookPlace,
  type Hooks,
  type OnError,
  type OnFailureHook,
  RUN_PHASES,
  type RunInput,
  type RunPhase,
} from "./contract/hooks.ts";
export type {
  EnqueueResult,
  Job,
  JobKeyMode,
  JobOptions,
  JobSpec,
  Labels,
} from "./contract/job.ts";
export type { Outcome, Permit } from "./contract/permit.ts";
export {
  type Activity,
  type AnyPlugin,
  type ApisOf,
  CONTRACT_VERSION,
  type ContextsOf,
  type ExplainInput,
  type Explanation,
  type Health,
  type Panel,
  type Plugin,
  type PluginApis,
  type PluginDefinition,
  type PluginHost,
  type PluginInstance,
  type ProducerPolicy,
} from "./contract/plugin.ts";
export {
  type Query,
  type QueryClient,
  type Row,
  type Transaction,
  toQuery,
} from "./contract/query.ts";
export type { Reason, ReasonInput } from "./contract/reason.ts";
export type {
  AddJob,
  AddJobOptions,
  AddJobs,
  AnyTask,
  InputOf,
  JobInput,
  OutputOf,
  PayloadInputOf,
  PayloadOf,
  ResultOf,
  RunTransaction,
  Schema,
  Task,
  TaskContext,
  TaskDefinition,
  TaskInfo,
  TaskOptions,
} from "./contract/task.ts";
export { defineConfig } from "./define-config.ts";
export { definePlugin } from "./define-plugin.ts";
export { type DefineTaskWith, declareTask, defineTask, taskBuilder } from "./define-task.ts";
export {
  type Duration,
  formatDuration,
  InvalidDurationError,
  isDuration,
  isInvalidDurationError,
  parseDuration,
} from "./duration.ts";
export type { Reschedule } from "./engine/admin.ts";
export { type Batched, createBatcher } from "./engine/batcher.ts";
export type { Engine } from "./engine/engine.ts";
export type { FailedPage } from "./engine/failed.ts";
export type { LostFailure } from "./engine/give-back.ts";
export type { JobMatch } from "./engine/match.ts";
export type { Moved } from "./engine/move.ts";
export type {
  Depth,
  DepthRow,
  JobRecord,
  JobState,
  LockOwner,
  Note,
  PeekFilter,
} from "./engine/read.ts";
export {
  CRASHES_LABEL,
  type PoisonedJob,
  type RecoverChoice,
  type Recovered,
  type RecoveredJob,
} from "./engine/recover.ts";
export { isPassing, withRetries } from "./engine/retries.ts";
export { isDeferSignal } from "./engine/signal.ts";
export type { ClaimedJob, TakeChoice, TakeInto, TakenRow } from "./engine/take.ts";
export type { JobTurn, ReadyChoice } from "./engine/turns.ts";
export { causesOf, hasCode, readProperty } from "./error-chain.ts";
export {
  ConfigurationError,
  HookError,
  InvalidJobError,
  InvalidPayloadError,
  isConfigurationError,
  isHookError,
  isInvalidJobError,
  isInvalidPayloadError,
  isJobFailedError,
  isJobKeyBusyError,
  isJobRejectedError,
  isUnknownTaskError,
  JobFailedError,
  JobKeyBusyError,
  JobRejectedError,
  messageOf,
  UnknownTaskError,
} from "./errors.ts";
export type { EventMap, Events } from "./events.ts";
export type { JobExplanation } from "./explain.ts";
export type { HealthReport } from "./health.ts";
export { checkLabels, type Flags, fromFlags, toFlags } from "./labels.ts";
export { Loop, type LoopInput } from "./loop.ts";
export {
  type Counter,
  type Gauge,
  type GaugeDefinition,
  type Histogram,
  type HistogramDefinition,
  type Meter,
  type MeterBackend,
  type MetricDefinition,
  type MetricLabels,
  noopMeter,
} from "./meter.ts";
export type { MigrationProgress } from "./migrations/apply.ts";
export {
  DatabaseUnreachableError,
  InvalidMigrationError,
  isDatabaseUnreachableError,
  isInvalidMigrationError,
  isMigrationChangedError,
  isMigrationFailedError,
  isMigrationsPendingError,
  isMissingRightError,
  MigrationChangedError,
  MigrationFailedError,
  MigrationsPendingError,
  MissingRightError,
} from "./migrations/errors.ts";
export type { MigrationRef, MigrationSet, MigrationSource } from "./migrations/load.ts";
export type { MigrationMode, MigrationReport } from "./migrations/migrate.ts";
export type { ClientOptions, WorkerOptions } from "./options.ts";
export { InvalidOverlayError, isInvalidOverlayError } from "./overlay/errors.ts";
export { ownConnection } from "./own-connection.ts";
export { type PresetOptions, workerPreset } from "./preset.ts";
export { settleWithin } from "./settle-within.ts";
export { didYouMean, suggest } from "./suggest.ts";
export { InvalidOptionsError, isInvalidOptionsError, validateOptions } from "./validate.ts";
export { createWorker, type Worker } from "./worker.ts";
