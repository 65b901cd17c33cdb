export type { ExpectedState } from "@oppulence/worker-core/engine-testing";
export { createFakeClock, type FakeClock } from "./clock/fake-clock.ts";
export { ConformanceError, isConformanceError } from "./conformance/errors.ts";
export type {
  ConformanceFixtures,
  FixtureContext,
  Stop,
  StopScenario,
} from "./conformance/fixtures.ts";
export {
  type ConformanceOptions,
  type ConformanceResult,
  runConformance,
} from "./conformance/run-conformance.ts";
export type { ChildJob, ChildMessage } from "./faults/child/protocol.ts";
export type { ChildExit } from "./faults/child-process.ts";
export { FaultError, type FaultErrorCode, isFaultError } from "./faults/errors.ts";
export { type Killed, type KillOptions, killAt } from "./faults/kill-at.ts";
export type { FaultPoint } from "./faults/point.ts";
export { recoverPools } from "./faults/recover-pools.ts";
export {
  type ChildJobEvent,
  type SpawnedWorker,
  type SpawnOptions,
  spawnWorker,
} from "./faults/spawn-worker.ts";
export { type Tap, tapPlugin } from "./faults/tap-plugin.ts";
export type { WorkerModule, WorkerModuleContext } from "./faults/worker-module.ts";
export type { LogEntry } from "./harness/captured-logger.ts";
export { type CommandCall, type CommandLine, commandLine } from "./harness/command-line.ts";
export {
  createHarness,
  type Harness,
  type TimeoutOption,
} from "./harness/create-harness.ts";
export type { EnqueueSql } from "./harness/enqueue-sql.ts";
export { HarnessTimeoutError, isHarnessTimeoutError } from "./harness/errors.ts";
export type { JobEvent, JobEventName } from "./harness/history.ts";
export type { HarnessOptions } from "./harness/options.ts";
export { type RecordingMeter, recordingMeter } from "./harness/recording-meter.ts";
export type { JobSelector } from "./harness/selector.ts";
export type { WaitState } from "./harness/wait-for.ts";
export {
  assertInvariants,
  checkInvariants,
  INVARIANTS,
  type InvariantOptions,
  type Violation,
} from "./invariants/check-invariants.ts";
export { InvariantError, isInvariantError } from "./invariants/errors.ts";
export {
  type CreateDatabaseOptions,
  connectPostgres,
  isTestPostgresError,
  migrateWorker,
  type PostgresAccess,
  type Prepare,
  type RestartMode,
  type RestartOptions,
  reapStaleServers,
  type StartPostgresOptions,
  startPostgres,
  type TemplateOptions,
  type TestDatabase,
  type TestDatabases,
  type TestPoolOptions,
  type TestPostgres,
  TestPostgresError,
  type TestPostgresErrorCode,
} from "./postgres/index.ts";
