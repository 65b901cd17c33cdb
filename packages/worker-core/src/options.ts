import type { Task as EngineTask, Logger, ParsedCronItem } from "graphile-worker";
import type pg from "pg";
import type { Clock } from "./clock.ts";
import type { AnyPlugin } from "./contract/plugin.ts";
import type { AnyTask } from "./contract/task.ts";
import type { Duration } from "./duration.ts";
import { ConfigurationError } from "./errors.ts";
import type { MigrationMode } from "./migrations/migrate.ts";
import { didYouMean, suggest } from "./suggest.ts";

/** What `createClient` takes. */
export interface ClientOptions<P extends readonly AnyPlugin[] = readonly AnyPlugin[]> {
  /** PostgreSQL connection string. @defaultValue the variable `DATABASE_URL`, when no `pool` is given */
  readonly connectionString?: string;
  /** A pool of yours instead; it is not ended by `stop`. */
  readonly pool?: pg.Pool;
  /** Tasks that jobs are added for. */
  readonly tasks?: readonly AnyTask[];
  /** Plain graphile-worker tasks, by identifier. */
  readonly taskList?: Readonly<Record<string, EngineTask>>;
  /** Plugins, in the order in which their hooks run unless they say otherwise. */
  readonly plugins?: P;
  /** Schema of the platform's own tables. @defaultValue `"oppulence_worker"` */
  readonly schema?: string;
  /** graphile-worker's own options (`concurrentJobs`, `pollInterval`, `schema`, `localQueue`, …), untouched. */
  readonly worker?: GraphileConfig.WorkerOptions;
  /** What happens to the database's schema at start. @defaultValue `"auto"` */
  readonly migrations?: MigrationMode;
  /**
   * The config overlay: a YAML or JSON file, with environment variables over it. False ignores both.
   * @defaultValue the file named by `OPPULENCE_WORKER_CONFIG`, and variables `OPPULENCE_WORKER__…`
   */
  readonly config?: { readonly file?: string; readonly env?: NodeJS.ProcessEnv } | false;
  /** @defaultValue graphile-worker's console logger */
  readonly logger?: Logger;
  /** How long `stop` waits for running jobs and for plugins. @defaultValue `"25s"` */
  readonly stopTimeout?: Duration;
  /** Time for algorithms; tests inject a fake one. @defaultValue the machine's clock */
  readonly clock?: Clock;
}

/** What `createWorker` takes. */
export interface WorkerOptions<P extends readonly AnyPlugin[] = readonly AnyPlugin[]>
  extends ClientOptions<P> {
  /** graphile-worker's native crontab, as text. */
  readonly crontab?: string;
  /** graphile-worker's native crontab, parsed. */
  readonly parsedCronItems?: ParsedCronItem[];
  /** Stop on SIGTERM, SIGINT and SIGHUP, then end the process by that signal. @defaultValue `true` */
  readonly handleSignals?: boolean;
}

/** Keys of {@link ClientOptions}, for the check for misspelt ones. */
export const CLIENT_KEYS = [
  "connectionString",
  "pool",
  "tasks",
  "taskList",
  "plugins",
  "schema",
  "worker",
  "migrations",
  "config",
  "logger",
  "stopTimeout",
  "clock",
] as const satisfies readonly (keyof ClientOptions)[];

/** Keys of {@link WorkerOptions}, for the check for misspelt ones. */
export const WORKER_KEYS = [
  ...CLIENT_KEYS,
  "crontab",
  "parsedCronItems",
  "handleSignals",
] as const satisfies readonly (keyof WorkerOptions)[];

/** graphile-worker's options that an environment variable may mean; a file may name any. */
export const ENGINE_OPTIONS = [
  "completeJobBatchDelay",
  "concurrentJobs",
  "connectionString",
  "crontabFile",
  "failJobBatchDelay",
  "getQueueNameBatchDelay",
  "gracefulShutdownAbortTimeout",
  "localQueue",
  "maxPoolSize",
  "maxResetLockedInterval",
  "minResetLockedInterval",
  "pollInterval",
  "preparedStatements",
  "schema",
  "taskDirectory",
  "useNodeTime",
] as const satisfies readonly (keyof GraphileConfig.WorkerOptions)[];

/**
 * Refuses options of graphile-worker that look misspelt. Others that are unknown here pass: a newer
 * graphile-worker may know them.
 *
 * @throws ConfigurationError with did-you-mean
 */
export function assertEngineOptions(worker: GraphileConfig.WorkerOptions): void {
  const known = [...ENGINE_OPTIONS, "events", "fileExtensions", "logger"];
  const problems = Object.keys(worker)
    .filter((key) => !known.includes(key) && suggest(key, known) !== undefined)
    .map((key) => `worker: unknown option ${JSON.stringify(key)}${didYouMean(key, known)}`);
  if (problems.length > 0) throw new ConfigurationError(problems);
}
