import type { AnyPlugin, Duration, WorkerOptions } from "@oppulence/worker-core";
import type { TestDatabases } from "../postgres/databases.ts";
import type { TestDatabase } from "../postgres/test-database.ts";

/** What {@link createHarness} takes: a worker's options, less those that the harness sets itself. */
export interface HarnessOptions<P extends readonly AnyPlugin[] = readonly AnyPlugin[]>
  extends Omit<WorkerOptions<P>, "connectionString" | "pool" | "handleSignals"> {
  /**
   * A database of yours, which is not dropped; it need not have any tables.
   * @defaultValue a fresh one with the tables of graphile-worker and the core
   */
  readonly database?: TestDatabase;
  /**
   * The server to make the fresh database on.
   * @defaultValue the server of the vitest run; outside of one, a server that is started for this process
   */
  readonly databases?: Pick<TestDatabases, "createDatabase" | "template">;
  /**
   * False leaves it to you to call `worker.start()`.
   * @defaultValue true
   */
  readonly start?: boolean;
  /**
   * How long `waitFor` and `drain` wait unless they are told.
   * @defaultValue `"10s"`
   */
  readonly timeout?: Duration;
  /**
   * Connections of the pool.
   * @defaultValue 10
   */
  readonly poolSize?: number;
}
