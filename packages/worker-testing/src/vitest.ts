export type { ProvidedPostgres } from "./postgres/vitest-context.ts";
export { type TestDatabaseOptions, testDatabase, usePostgres } from "./postgres/vitest-helpers.ts";
