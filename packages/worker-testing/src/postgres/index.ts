export {
  type CreateDatabaseOptions,
  connectPostgres,
  type PostgresAccess,
  type TestDatabases,
} from "./databases.ts";
export type { RestartMode } from "./embedded-server.ts";
export { isTestPostgresError, TestPostgresError, type TestPostgresErrorCode } from "./errors.ts";
export type { StartPostgresOptions } from "./options.ts";
export { reapStaleServers } from "./reaper.ts";
export { type RestartOptions, startPostgres, type TestPostgres } from "./start-postgres.ts";
export type { Prepare, TemplateOptions } from "./templates.ts";
export type { TestDatabase, TestPoolOptions } from "./test-database.ts";
export { migrateWorker } from "./worker-template.ts";
