import type {} from "vitest";
import type { PostgresAccess } from "./databases.ts";

/** What the global setup hands to the test files, which run in other processes. */
export interface ProvidedPostgres {
  readonly access: PostgresAccess;
  /** The template that {@link testDatabase} clones. */
  readonly template: string;
}

declare module "vitest" {
  interface ProvidedContext {
    postgres: ProvidedPostgres;
  }
}
