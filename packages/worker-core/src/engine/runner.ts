import { EventEmitter } from "node:events";
import { existsSync } from "node:fs";
import {
  type Job,
  type Logger,
  type ParsedCronItem,
  type Runner,
  type RunnerOptions,
  run,
  type TaskList,
  type WorkerEvents,
  type WorkerPool,
} from "graphile-worker";
import type pg from "pg";
import type { Leaving } from "../pipeline/leaving.ts";
import { Claims } from "./claims.ts";
import type { EngineTables } from "./database.ts";
import type { Engine } from "./engine.ts";
import { engineLogger, type LostWrites } from "./logging.ts";
import { resilientPool } from "./resilient-pool.ts";
import { withRetries } from "./retries.ts";
import { fence, isSettled } from "./signal.ts";

/** The engine's own default. */
const ENGINE_ABORT_MS = 5_000;

/** What a runner is started with. */
export interface RunnerInput {
  readonly pool: pg.Pool;
  readonly tasks: TaskList;
  /** graphile-worker's own options. */
  readonly worker: GraphileConfig.WorkerOptions;
  readonly crontab: string | undefined;
  readonly parsedCronItems: ParsedCronItem[] | undefined;
  readonly logger: Logger;
  readonly engine: Engine;
  readonly tables: EngineTables;
  /** Rows that plugins are moving away. */
  readonly leaving: Pick<Leaving, "completes" | "ids" | "isAny">;
  /** Called for each pool of the engine as it is made, before it claims anything. */
  readonly onPool: (pool: WorkerPool, events: WorkerEvents) => void;
  /** Named queues are free again. */
  readonly onQueuesFreed: (count: number) => void;
  /** Awaited before a pool's first claim. */
  readonly beforeClaims: (pool: string) => Promise<unknown>;
  /** How long a stop waits for running jobs. */
  readonly stopMs: number;
  /** Aborted once no job is to be claimed any more. */
  readonly noClaims: AbortSignal;
  /** Aborted once nothing is to be written any more. */
  readonly noWrites: AbortSignal;
}

/** One life of the engine's pool, from start to end. */
export interface PoolRun {
  readonly pool: WorkerPool;
  readonly events: WorkerEvents;
  /** Settles once the pool has ended, whoever ended it; resolves to why, undefined when it was asked to. */
  readonly ended: Promise<unknown>;
  /** Stops claiming and waits for the jobs that run. */
  stop(): Promise<void>;
  /** Makes whatever the engine still writes about these claims match nothing; they are somebody else's now. */
  abandon(jobs: readonly Job[]): void;
  /** Ends the pool although jobs run; they must have been given back and abandoned before. */
  kill(): Promise<void>;
  /** Writes what the ended pool could not, and returns what it still holds. Resolves to the number returned. */
  settle(): Promise<number>;
}

/**
 * Starts graphile-worker's runner once.
 *
 * Writes of the engine about a claim that the core has settled itself are fenced off, see `fence`.
 */
export async function startPool(input: RunnerInput): Promise<PoolRun> {
  const events: WorkerEvents = input.worker.events ?? (new EventEmitter() as WorkerEvents);
  const lost: LostWrites[] = [];
  const claims = new Claims();
  const abandon = (job: Job) => {
    claims.forget(job);
    fence(job);
  };
  let pool: WorkerPool | undefined;
  const onPoolCreate = (event: { workerPool: WorkerPool }) => {
    // The user's emitter may be shared; the first pool made after we asked is ours.
    if (pool !== undefined) return;
    pool = event.workerPool;
    input.onPool(pool, events);
  };
  const onJobComplete = ({ job, error }: { job: Job; error: unknown }) => {
    // The engine has queued its write and reads the id later; not before this turn's microtasks are done.
    if (error !== null && isSettled(job)) queueMicrotask(() => abandon(job));
  };
  events.on("pool:create", onPoolCreate);
  events.on("job:complete", onJobComplete);
  const aborted = () => pool?.abortSignal.aborted === true;
  const runner = await run(
    runnerOptions(input, claims, events, aborted, (writes) => lost.push(writes)),
  );
  events.off("pool:create", onPoolCreate);
  if (pool === undefined) throw new Error("graphile-worker started without making a pool");
  const ended = runner.promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  return {
    pool,
    events,
    ended: ended.finally(() => events.off("job:complete", onJobComplete)),
    stop: () => stopRunner(runner),
    abandon: (jobs) => jobs.forEach(abandon),
    kill: async () => {
      await Promise.resolve(pool?.forcefulShutdown("the stop's bound has passed")).catch(() => {});
    },
    settle: () => settle(input, (pool as WorkerPool).id, lost),
  };
}

function runnerOptions(
  input: RunnerInput,
  claims: Claims,
  events: WorkerEvents,
  aborted: () => boolean,
  onLost: (lost: LostWrites) => void,
): RunnerOptions {
  const options: RunnerOptions = {
    pgPool: resilientPool(input.pool, {
      claims,
      tables: input.tables,
      leaving: input.leaving,
      preparedStatements: input.worker.preparedStatements !== false,
      giveBack: (pool, choice) => input.engine.giveBack(pool, choice),
      aborted,
      beforeClaims: input.beforeClaims,
      onQueuesFreed: input.onQueuesFreed,
      noClaims: input.noClaims,
      noWrites: input.noWrites,
    }),
    taskList: input.tasks,
    // The worker handles signals: its stop has more to do than the engine's.
    noHandleSignals: true,
    events,
    logger: engineLogger(input.logger, onLost),
    preset: {
      worker: {
        // Without batching the engine does not await these writes: a lost connection would then be an unhandled
        // rejection, which ends the process. A delay of 0 batches one tick and costs nothing.
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
        // Plain tasks see the engine's signal: it aborts by the stop's bound at the latest.
        gracefulShutdownAbortTimeout: Math.min(ENGINE_ABORT_MS, input.stopMs),
        ...withoutConnection(input.worker),
        // Names tell the engine's statements from a task's own; see resilientPool.
        preparedStatements: true,
      },
    },
  };
  if (input.crontab !== undefined) options.crontab = input.crontab;
  if (input.parsedCronItems !== undefined) options.parsedCronItems = input.parsedCronItems;
  else if (input.crontab === undefined && !hasCrontabFile(input.worker))
    options.parsedCronItems = [];
  return options;
}

/** Without one the engine would say at every start that it could not read it. */
function hasCrontabFile({ crontabFile }: GraphileConfig.WorkerOptions): boolean {
  return crontabFile !== undefined || existsSync(`${process.cwd()}/crontab`);
}

/** The pool is given; a connection string beside it is refused, and a task directory was read already. */
function withoutConnection(worker: GraphileConfig.WorkerOptions): GraphileConfig.WorkerOptions {
  const { connectionString: _c, taskDirectory: _t, events: _e, logger: _l, ...rest } = worker;
  return rest;
}

async function stopRunner(runner: Runner): Promise<void> {
  try {
    await runner.stop();
  } catch {
    // Already stopped: the pool ended by itself. Its promise tells how.
  }
  await runner.promise.catch(() => {});
}

/**
 * After a pool has ended by itself, nobody will ever write for it again: its finished jobs are deleted, its
 * failures recorded, and what it claimed but did not run (a claim whose answer was lost, a local queue that
 * could not be returned) goes back with its attempt.
 */
async function settle(
  input: RunnerInput,
  pool: string,
  lost: readonly LostWrites[],
): Promise<number> {
  const completed = lost.flatMap((writes) => writes.completed.map(({ id }) => id));
  const failed = lost.flatMap((writes) =>
    writes.failed.map(({ job, message, replacementPayload }) => ({
      id: job.id,
      message,
      payload: replacementPayload,
    })),
  );
  return withRetries(async () => {
    if (completed.length > 0)
      await input.engine.complete(
        pool,
        completed.filter((id) => id !== "-1"),
      );
    if (failed.length > 0)
      await input.engine.fail(
        pool,
        failed.filter(({ id }) => id !== "-1"),
      );
    return input.engine.giveBack(pool);
  }, input.noWrites);
}
