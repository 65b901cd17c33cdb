import { type CancelReport, cancelJobs } from "./cancel.ts";
import type { Composition } from "./compose/compose.ts";
import { BRAND } from "./contract/brand.ts";
import type { Command } from "./contract/command.ts";
import type { AnyPlugin, ApisOf, Panel } from "./contract/plugin.ts";
import type { Query } from "./contract/query.ts";
import type { AddJob, AddJobs, RunTransaction } from "./contract/task.ts";
import type { Engine } from "./engine/engine.ts";
import type { Events } from "./events.ts";
import { explainJob, type JobExplanation } from "./explain.ts";
import { checkHealth, type HealthReport } from "./health.ts";
import type { MigrationProgress } from "./migrations/apply.ts";
import type { MigrationMode, MigrationReport } from "./migrations/migrate.ts";
import { CLIENT_KEYS, type ClientOptions } from "./options.ts";
import { createRuntime, type Runtime } from "./runtime.ts";

/** The producer's half of the platform: adds jobs, runs none. */
export interface Client<P extends readonly AnyPlugin[] = readonly AnyPlugin[]> {
  readonly [BRAND]: "client" | "worker";
  /** Migrates and starts the plugins. The first `addJob` does it too. */
  start(): Promise<void>;
  /** Stops the plugins in reverse order, and ends the pool if it is not the user's. Safe to call again. */
  stop(options?: { readonly timeout?: number }): Promise<void>;
  readonly addJob: AddJob;
  readonly addJobs: AddJobs;
  /** The plugins' APIs, by name. */
  readonly plugins: ApisOf<P>;
  readonly events: Events;
  /** The only way to graphile-worker's tables. */
  readonly engine: Engine;
  readonly query: Query;
  /** Runs `body` in one transaction on the pool; pass its `query` on as `{ client: query }` to add jobs in it. */
  readonly transaction: RunTransaction;
  /** Plugins, tasks and hooks as they were put together. */
  readonly composition: Composition;
  /** CLI commands that the plugins contribute. */
  readonly commands: readonly Command[];
  /** Pages of the admin UI that the plugins contribute. */
  readonly panels: readonly Panel[];
  /** Why a job is not running, who blocks it, and when it will run. */
  explain(id: string): Promise<JobExplanation>;
  /**
   * Cancels jobs. Those that wait or have failed are removed; those that run are left to the plugins that
   * can reach them (`@oppulence/worker-retry`), which abort their signal.
   *
   * @param ids - one id or several
   * @param reason - what their task is told. @defaultValue `"cancelled"`
   */
  cancel(ids: string | readonly string[], reason?: string): Promise<CancelReport>;
  health(): Promise<HealthReport>;
  /** Applies or checks the migrations of graphile-worker, the core and the plugins. */
  migrate(
    mode?: MigrationMode,
    onProgress?: (progress: MigrationProgress) => void,
  ): Promise<MigrationReport>;
}

/**
 * Makes a client: for web servers and scripts that add jobs. Same plugins as the worker, of which only
 * `beforeEnqueue` runs; no loops.
 *
 * @throws ConfigurationError, InvalidOptionsError: nothing was connected
 *
 * @example
 * const client = createClient({ connectionString, tasks: [sendEmail], plugins: [] });
 * await client.addJob(sendEmail, { to: "a@b.c" });
 */
export function createClient<const P extends readonly AnyPlugin[] = readonly []>(
  options: ClientOptions<P>,
): Client<P> {
  return toClient<P>(createRuntime(options, "client", CLIENT_KEYS, "createClient"));
}

/** The client's face of a runtime. */
export function toClient<P extends readonly AnyPlugin[]>(runtime: Runtime): Client<P> {
  const { composition } = runtime;
  return {
    [BRAND]: "client",
    start: () => runtime.start(),
    stop: ({ timeout = runtime.stopMs } = {}) => runtime.stop(Date.now() + timeout),
    addJob: runtime.addJob,
    addJobs: runtime.addJobs,
    plugins: runtime.apis as ApisOf<P>,
    events: runtime.events,
    engine: runtime.engine,
    query: runtime.query,
    transaction: runtime.transaction,
    composition,
    commands: composition.installed.flatMap(({ instance }) => instance.commands ?? []),
    panels: composition.installed.flatMap(({ instance }) => instance.panels ?? []),
    explain: (id) => explainJob(runtime, id),
    cancel: (ids, reason) => cancelJobs(runtime, ids, reason),
    health: () => checkHealth(runtime),
    migrate: (mode, onProgress) => runtime.migrate(mode, onProgress),
  };
}
