import type {
  AnyPlugin,
  AnyTask,
  Duration,
  JobOptions,
  Query,
  TaskOptions,
} from "@oppulence/worker-core";
import type { TestDatabases } from "../postgres/databases.ts";

/** What fixtures act with: one worker that runs the plugin. */
export interface FixtureContext {
  /** The plugin's API, as `worker.plugins[name]`. */
  readonly api: any;
  /** Runs a statement on the worker's database. */
  readonly query: Query;
  /** The identifier of the task whose jobs are added. */
  readonly task: string;
}

/** How a plugin stops a job. */
export type Stop = "defer" | "skip" | "fail" | "drop" | "reject";

/** A situation in which the plugin stops every job of the task. */
export interface StopScenario {
  /** Brings it about, through the plugin's API, its tables or its store; not through variables of the test. */
  readonly setup: (context: FixtureContext) => unknown;
  /** What then becomes of a job that `addJob` adds. */
  readonly expect: Stop;
  /**
   * What becomes of a job that was added by other means and reaches the worker.
   * @defaultValue `expect`, if that is decided at run; otherwise it must be stopped, no matter how
   */
  readonly atRun?: Exclude<Stop, "drop" | "reject">;
  /** The reason's code. @defaultValue any */
  readonly code?: string;
  /** Ends the situation. A deferred job must run after this. @defaultValue deferred jobs are not let go */
  readonly release?: (context: FixtureContext) => unknown;
}

/** What the conformance suite is told about a plugin. Everything has a default. */
export interface ConformanceFixtures {
  /** Tells apart suites of the same plugin in one file, such as `"redis"`; part of the suite's title. */
  readonly variant?: string;
  /** Other plugins that the plugin needs, installed before it. @defaultValue none */
  readonly with?: () => readonly AnyPlugin[];
  /**
   * The task whose jobs are added: its identifier, schema, spec and options are used, its `run` is not.
   * @defaultValue a task without a schema, with {@link ConformanceFixtures.taskOptions}
   */
  readonly task?: AnyTask;
  /** Options of the default task, such as the plugin's own key. @defaultValue none */
  readonly taskOptions?: TaskOptions;
  /** Tasks to install besides. @defaultValue none */
  readonly tasks?: readonly AnyTask[];
  /** A payload that the task accepts, an object. @defaultValue `{ conformance: true }` */
  readonly payload?: Readonly<Record<string, unknown>>;
  /** How every job is added. @defaultValue no options */
  readonly jobOptions?: JobOptions;
  /** The plugin may change the payload that the task sees. @defaultValue false */
  readonly changesPayload?: boolean;
  /**
   * Tables, views and functions of the plugin whose names do not begin with its own; what belongs to a table
   * (its sequence, named after it) goes with it. Each must be there.
   * @defaultValue none
   */
  readonly objects?: readonly string[];
  /** Readies each database once the worker has started, such as a schedule or a flag that must exist. */
  readonly prepare?: (context: FixtureContext) => unknown;
  /** A situation in which the plugin stops jobs. @defaultValue none: what depends on one is left out */
  readonly stops?: StopScenario;
  /**
   * What the plugin still holds, one entry each, when no job runs and none waits: rows of leases, tokens that
   * were not returned. Must come out empty.
   */
  readonly leakCheck?: (context: FixtureContext) => Promise<readonly unknown[]>;
  /**
   * How long leases of a killed process may take to expire.
   * @defaultValue `timeout`
   */
  readonly leaseTimeout?: Duration;
  /**
   * URL of a module for the processes that are killed. It exports `plugin`, a function that makes one, and
   * may export `fixtures`; or it calls `testPlugin`, as the test file itself does.
   * @defaultValue the test file; without one the checks with kills fail and say so
   */
  readonly module?: URL | string;
  /** How many jobs two workers race for. @defaultValue 200 */
  readonly races?: number;
  /** How long to wait for a job before a check fails. @defaultValue `"10s"` */
  readonly timeout?: Duration;
  /** The server for the databases. @defaultValue that of the vitest run, or one that is started */
  readonly databases?: Pick<TestDatabases, "createDatabase" | "template">;
}
