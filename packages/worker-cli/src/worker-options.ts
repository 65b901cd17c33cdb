import type { ClientOptions, WorkerOptions } from "@oppulence/worker-core";
import type { Logger } from "graphile-worker";

/** What the command line and the environment add to a config. */
export interface PrepareInput {
  readonly env: NodeJS.ProcessEnv;
  /** The value of `--connection`. */
  readonly connection: string | undefined;
  readonly logger: Logger | undefined;
}

/** The config's options for a worker. */
export function toWorkerOptions(options: WorkerOptions, input: PrepareInput): WorkerOptions {
  const { pool, connectionString, config, logger, ...rest } = options;
  const log = input.logger ?? logger;
  return {
    ...rest,
    ...connectionOf(options, input),
    config: config === false ? false : { env: input.env, ...config },
    ...(log === undefined ? {} : { logger: log }),
  };
}

/** The config's options for a client, which knows nothing of crontabs and never migrates. */
export function toClientOptions(options: WorkerOptions, input: PrepareInput): ClientOptions {
  const { crontab, parsedCronItems, handleSignals, ...rest } = toWorkerOptions(options, input);
  return { ...rest, migrations: options.migrations === "off" ? "off" : "verify" };
}

function connectionOf(
  { pool, connectionString, worker }: WorkerOptions,
  { env, connection }: PrepareInput,
): Pick<WorkerOptions, "pool" | "connectionString"> {
  if (connection !== undefined) return { connectionString: connection };
  // Both at once is a mistake that the core names.
  if (pool !== undefined)
    return { pool, ...(connectionString === undefined ? {} : { connectionString }) };
  const found = connectionString ?? worker?.connectionString ?? env.DATABASE_URL;
  return found === undefined ? {} : { connectionString: found };
}
