export { createFakeClock, type FakeClock } from "./clock/fake-clock.ts";
export type { ExpectedState } from "./engine-tables/invariant-statements.ts";
export type { LogEntry } from "./harness/captured-logger.ts";
export {
  createHarness,
  type Harness,
  type TimeoutOption,
} from "./harness/create-harness.ts";
export type { EnqueueSql } from "./harness/enqueue-sql.ts";
export { HarnessTimeoutError, isHarnessTimeoutError } from "./harness/errors.ts";
export type { JobEvent, JobEventName } from "./harness/history.ts";
export type { HarnessOptions } from "./harness/options.ts";
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
