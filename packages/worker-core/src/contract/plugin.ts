import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Logger } from "graphile-worker";
import type { Pool } from "pg";
import type { Clock } from "../clock.ts";
import type { Engine } from "../engine/engine.ts";
import type { Events } from "../events.ts";
import type { HealthReport } from "../health.ts";
import type { Meter, MeterBackend } from "../meter.ts";
import type { MigrationSource } from "../migrations/load.ts";
import type { BRAND, Brand } from "./brand.ts";
import type { Command } from "./command.ts";
import type { Hooks, RunInput } from "./hooks.ts";
import type { Job, Labels } from "./job.ts";
import type { Query, Row } from "./query.ts";
import type { AddJob, AddJobs, AnyTask, RunTransaction, TaskInfo } from "./task.ts";

/** The contract that this copy of the core speaks. A plugin made for another one is refused at start. */
export const CONTRACT_VERSION = 1;

/**
 * What happens to jobs that other producers add (SQL `add_job`, triggers, native crontab):
 * the policy holds because it is checked at run, or because it is enforced in SQL, or it does not hold.
 * `testPlugin` tests the declaration.
 */
export type ProducerPolicy = "enforced-at-run" | "enforced-in-sql" | "not-covered";

/**
 * Typed APIs of plugins, by plugin name. A feature adds its own by declaration merging, so that other
 * plugins can ask for it (`host.plugin("dlq")`) without importing its package.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface PluginApis {}

/** How well a plugin is; `down` makes `/readyz` fail. */
export interface Health {
  readonly status: "ok" | "degraded" | "down";
  /** One sentence, for people. */
  readonly detail?: string;
}

/** One plugin's part in the answer to "why is this job not running?". */
export interface Explanation {
  /** For programs: upper snake case. */
  readonly code: string;
  /** One sentence: who blocks the job, since when, until when. */
  readonly message: string;
  /** When this plugin expects to let the job go, if it knows. */
  readonly until?: Date;
  /** Whether the job is held back by this, or it is only told. */
  readonly blocking: boolean;
}

/** A job's row with its label set, as `explain` hands it to plugins. */
export interface ExplainInput {
  readonly job: Job;
  readonly labels: Labels;
  readonly task: TaskInfo | undefined;
}

/** A page of the admin UI that a plugin contributes: data only, the UI renders it. */
export interface Panel {
  readonly id: string;
  readonly title: string;
  /** Rows of a table, newest or most urgent first; at most `limit`. */
  readonly load: (query: { readonly limit: number }) => Promise<readonly Row[]>;
}

/** How busy a worker is. */
export interface Activity {
  /** Jobs that run in this process now. */
  readonly running: number;
  /** Jobs that may run at once: graphile-worker's `concurrentJobs`. */
  readonly concurrency: number;
}

/** What a plugin may use: handed to its `setup`. Nothing here touches the database before `start`. */
export interface PluginHost<TOptions = unknown> {
  /** The plugin's options: the user's, with the config overlay applied, validated by its schema. */
  readonly options: TOptions;
  /** A worker runs jobs; a client only adds them; offline is a check without a database. */
  readonly mode: "worker" | "client" | "offline";
  /** For algorithms; what several processes must agree on comes from the database's `now()`. */
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly events: Events;
  /** The pool; ours or the user's. */
  readonly pool: Pool;
  /** One statement on the pool. */
  readonly query: Query;
  /** Runs `body` in one transaction: committed when it resolves, rolled back when it throws. */
  readonly transaction: RunTransaction;
  /** Our schema's name, escaped for use in SQL (`"oppulence_worker"`). */
  readonly schema: string;
  /** The only way to graphile-worker's tables. */
  readonly engine: Engine;
  /** Every task of this worker or client, by identifier. Complete once `start` is called. */
  readonly tasks: ReadonlyMap<string, TaskInfo>;
  readonly addJob: AddJob;
  readonly addJobs: AddJobs;
  /** How busy this worker is; always idle in a client. */
  readonly activity: () => Activity;
  /** Runs of this worker that hooks apply to, for aborting them; none in a client. */
  readonly running: () => Iterable<RunInput>;
  /**
   * Gives the engine's pool up and starts another with a new id, for a worker that lost its jobs to others:
   * signals of its jobs abort, nothing of it is written any more, what it still holds goes back. A client
   * has none.
   */
  readonly restart: (cause: Error) => void;
  /**
   * Calls back when the config overlay's file has changed while the worker runs and the plugin's options,
   * validated by its schema, are not what they were; `options` stays as it is. One call at a time. What the
   * listener throws is logged, and counts as that the plugin goes on with the options before. Never called in
   * a client, before the worker has started, or once it stops. A plugin that does not ask takes its options at
   * the next start.
   *
   * @returns a function that ends it
   */
  readonly onOptions: (listener: (options: TOptions) => void | Promise<void>) => () => void;
  /** The health of the whole worker or client, this plugin included. */
  readonly health: () => Promise<HealthReport>;
  /** Another plugin's API, or undefined when it is not installed. Call it from `start` or later. */
  readonly plugin: <N extends keyof PluginApis>(name: N) => PluginApis[N] | undefined;
}

/** What a plugin is once set up. */
export interface PluginInstance<TApi = unknown> extends Hooks {
  /** Reached as `worker.plugins[name]`. */
  readonly api?: TApi;
  /** Tasks that the plugin brings along. */
  readonly tasks?: readonly AnyTask[];
  /** CLI commands. */
  readonly commands?: readonly Command[];
  /** Pages of the admin UI. */
  readonly panels?: readonly Panel[];
  /** Asked by `/readyz`; must answer within 2 s. */
  readonly health?: () => Health | Promise<Health>;
  /** Why this plugin holds a job back; undefined when it does not. */
  readonly explain?: (
    input: ExplainInput,
  ) => Explanation | undefined | Promise<Explanation | undefined>;
  /**
   * What can be known to be wrong without a database, one sentence each; asked by `checkConfig` before a
   * deploy. What must not even start belongs into the options' schema, or is thrown by `setup`.
   */
  readonly check?: () => readonly string[] | Promise<readonly string[]>;
  /**
   * Cancels jobs that run, here or in other processes; asked by `cancel` of a worker or client.
   *
   * @returns ids of jobs whose run was told
   */
  readonly cancel?: (ids: readonly string[], reason: string) => Promise<readonly string[]>;
  /**
   * A pool of the engine was made; its id is the `locked_by` of its jobs. Awaited before its first claim,
   * asked again while the database is away.
   */
  readonly poolStarting?: (pool: string) => Promise<void>;
  /** A pool has ended and holds nothing any more. */
  readonly poolEnded?: (pool: string) => Promise<void>;
  /** Starts loops and connections. Runs after the migrations, in the plugins' order. */
  readonly start?: () => void | Promise<void>;
  /** Ends them, in reverse order, after the last job ended. Bounded by the stop timeout. */
  readonly stop?: () => void | Promise<void>;
}

/** What `definePlugin` takes. */
export interface PluginDefinition<TName extends string, TOptions, TApi, TContext> {
  /** Unique; the key in `worker.plugins` and in the overlay's `plugins.<name>`. */
  readonly name: TName;
  /** npm package, named in messages. */
  readonly package?: string;
  /** What the user passed. */
  readonly options?: unknown;
  /** Checks and completes the options. Without it the plugin takes none. */
  readonly optionsSchema?: StandardSchemaV1<any, TOptions>;
  /** The key of `TaskOptions` that this plugin owns; hooks read the schema's output in `task.options[key]`. */
  readonly taskOption?: {
    readonly key: string;
    readonly schema?: StandardSchemaV1<any, any>;
  };
  /** Names of plugins without which this one cannot work. */
  readonly requires?: readonly string[];
  /** What happens to jobs that were not added through `addJob`. */
  readonly producers: ProducerPolicy;
  /** SQL files that the plugin owns. */
  readonly migrations?: MigrationSource;
  /** graphile-worker's options that this plugin turns on by default; the user's own come over them. */
  readonly worker?: GraphileConfig.WorkerOptions;
  /** Where the worker's metrics go; at most one plugin brings it. */
  readonly meter?: MeterBackend;
  /** Makes the plugin for one worker or client. Synchronous, without I/O: that waits for `start`. */
  readonly setup: (host: PluginHost<TOptions>) => PluginInstance<TApi>;
  /** Type of the context value that the plugin's `proceed` grants; never read. */
  readonly contextType?: TContext;
}

/** A plugin: made by `definePlugin`. */
export interface Plugin<
  TName extends string = string,
  TOptions = any,
  TApi = any,
  TContext = unknown,
> extends PluginDefinition<TName, TOptions, TApi, TContext> {
  readonly [BRAND]: Extract<Brand, "plugin">;
  readonly contract: number;
}

/** Any plugin. */
export type AnyPlugin = Plugin<string, any, any, any>;

/** `worker.plugins`, from the tuple of plugins. */
export type ApisOf<P extends readonly AnyPlugin[]> = {
  readonly [K in P[number] as K["name"]]: K extends Plugin<string, any, infer A, any> ? A : never;
};

/** `context.plugins`, from the tuple of plugins; undefined for a plugin that granted nothing this run. */
export type ContextsOf<P extends readonly AnyPlugin[]> = {
  readonly [K in P[number] as K["name"]]: K extends Plugin<string, any, any, infer C>
    ? C | undefined
    : never;
};
