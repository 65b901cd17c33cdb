import { setTimeout as sleep } from "node:timers/promises";
import type {
  Worker as EngineWorker,
  Job,
  ParsedCronItem,
  TaskList,
  WorkerPool,
} from "graphile-worker";
import { messageOf } from "../errors.ts";
import type { JobRun } from "../pipeline/job-run.ts";
import type { Leaving } from "../pipeline/leaving.ts";
import type { Runtime } from "../runtime.ts";
import { withinMs } from "../within-ms.ts";
import { bridgeEvents } from "./bridge.ts";
import { withRetries } from "./retries.ts";
import { type PoolRun, type RunnerInput, startPool } from "./runner.ts";

/** What the supervisor is started with. */
export interface SuperviseInput {
  readonly runtime: Runtime;
  readonly tasks: TaskList;
  /** Runs that hooks apply to. */
  readonly running: Iterable<JobRun>;
  /** Rows that plugins are moving away. */
  readonly leaving: Leaving;
  /** Aborted when a stop's bound has passed. */
  readonly interrupted: AbortController;
  readonly crontab: string | undefined;
  readonly parsedCronItems: ParsedCronItem[] | undefined;
  /** The engine cannot be started again. */
  readonly onFatal: (error: unknown) => void;
}

/** Keeps the engine running. */
export interface Supervisor {
  jobsInProgress(): number;
  /** Stops claiming, waits for running jobs until the deadline (ms since the epoch), gives back the rest. */
  stop(deadline: number): Promise<void>;
}

/** How long a new pool waits for the jobs of the one it replaces, so that they do not run beside each other. */
const HANDOVER_MS = 5_000;
/** What the end of a stop may take beyond its bound: one last write each. */
const LAST_WRITES_MS = 1_000;

/**
 * Starts the engine, and starts it again when its pool ends by itself: it shuts down when a batch of
 * completions or failures could not be written, or a worker broke. A new pool then takes over, and what the
 * old one still holds is settled.
 */
export async function superviseEngine(input: SuperviseInput): Promise<Supervisor> {
  const { logger, events } = input.runtime;
  const noClaims = new AbortController();
  const noWrites = new AbortController();
  const signals = { noClaims: noClaims.signal, noWrites: noWrites.signal };
  let current: Life | undefined;
  let replacing: Promise<void> | undefined;
  const settling = new Set<Promise<unknown>>();

  async function begin(): Promise<void> {
    const life = await startLife(input, signals);
    current = life;
    void life.run.ended.then((cause) => {
      if (noClaims.signal.aborted || current !== life) return;
      const why = life.cause ?? cause ?? new Error("the engine's pool ended by itself");
      replacing = replace(life, why);
    });
  }

  async function replace(old: Life, cause: unknown): Promise<void> {
    logger.warn(`replacing the engine's pool ${old.run.pool.id}: ${messageOf(cause)}`, {
      error: cause,
    });
    current = undefined;
    const settled = settle(old).then((returned) => {
      settling.delete(settled);
      events.emit("engine:restarted", { cause, returned });
    });
    settling.add(settled);
    await Promise.race([settled, sleep(HANDOVER_MS, undefined, { ref: false })]);
    try {
      await withRetries(begin, noClaims.signal);
    } catch (error) {
      if (!noClaims.signal.aborted) input.onFatal(error);
    }
  }

  /** Waits for a life's end and writes what it could not. */
  async function settle(life: Life): Promise<number> {
    try {
      await life.run.stop();
      // Before what the pool still holds goes back to the queue.
      await input.leaving.ended(life.run.pool.id);
      const returned = await life.run.settle();
      await input.runtime.poolEnded(life.run.pool.id);
      return returned;
    } catch (error) {
      logger.error(`could not settle what pool ${life.run.pool.id} held: ${messageOf(error)}`, {
        error,
      });
      return 0;
    } finally {
      life.close();
    }
  }

  const jobsInProgress = () => current?.activeJobs().length ?? 0;
  input.runtime.runner = {
    running: jobsInProgress,
    concurrency: () => input.runtime.worker.concurrentJobs ?? 1,
    runs: () => input.running,
    restart(cause) {
      const life = current;
      if (life === undefined || noClaims.signal.aborted) return;
      life.cause = cause;
      abandonJobs(input, life, cause);
      // Its end brings the next pool about, and gives back what this one still holds.
      void life.run.kill();
    },
    nudge(count) {
      if (current !== undefined && !isShuttingDown(current.run.pool)) current.run.pool.nudge(count);
    },
  };

  await begin();

  return {
    jobsInProgress,
    async stop(deadline) {
      noClaims.abort();
      await replacing;
      const life = current;
      const ended = Promise.all([life === undefined ? undefined : settle(life), ...settling]);
      const inTime = await withinMs(ended, deadline - Date.now());
      if (!inTime) {
        if (life !== undefined) await withinMs(interrupt(input, life), LAST_WRITES_MS);
        noWrites.abort();
        await withinMs(ended, LAST_WRITES_MS);
      }
      noWrites.abort();
    },
  };
}

/** The engine's workers must not be nudged once they end; only the pool's private flag says so in time. */
export function isShuttingDown(pool: WorkerPool): boolean {
  return (pool as unknown as { _shuttingDown: boolean })._shuttingDown;
}

/** One pool of the engine with the workers it made. */
interface Life {
  readonly run: PoolRun;
  activeJobs(): Job[];
  close(): void;
  /** Why it was given up. */
  cause: Error | undefined;
}

async function startLife(
  { runtime, tasks, crontab, parsedCronItems, running, leaving }: SuperviseInput,
  signals: Pick<RunnerInput, "noClaims" | "noWrites">,
): Promise<Life> {
  const workers = new Set<EngineWorker>();
  let close = () => {};
  const onPool = (pool: WorkerPool) => {
    // A stop, or the engine itself, has the pool's signal aborted; each run has one of its own.
    pool.abortSignal.addEventListener("abort", () => {
      for (const one of running)
        if (one.helpers.abortSignal === pool.abortSignal) one.abort(pool.abortSignal.reason);
    });
  };
  const run = await startPool({
    pool: runtime.pool,
    tasks,
    worker: runtime.worker,
    crontab,
    parsedCronItems,
    logger: runtime.logger,
    engine: runtime.engine,
    tables: runtime.tables,
    leaving,
    stopMs: runtime.stopMs,
    beforeClaims: (pool) => runtime.poolStarting(pool),
    onQueuesFreed: (count) => runtime.runner.nudge(count),
    ...signals,
    onPool: (pool, events) => {
      onPool(pool);
      const onWorker = ({ worker }: { worker: EngineWorker }) => {
        if (worker.workerPool === pool) workers.add(worker);
      };
      events.on("worker:create", onWorker);
      const endBridge = bridgeEvents(events, pool, runtime.events);
      close = () => {
        events.off("worker:create", onWorker);
        endBridge();
      };
    },
  });
  return {
    run,
    activeJobs: () => [...workers].flatMap((worker) => worker.getActiveJob() ?? []),
    close: () => close(),
    cause: undefined,
  };
}

/**
 * Cuts running jobs off from their pool: their tasks' ends count for nothing from here on.
 *
 * @returns their ids
 */
function abandonJobs(
  { runtime, running }: SuperviseInput,
  { run, activeJobs }: Life,
  reason: Error,
): string[] {
  const jobs = activeJobs();
  const abandoned = new Set(jobs);
  const copies = jobs.map((job) => ({ ...job }));
  // First of all: a task that heeds its signal settles at once, and must no longer write its end.
  run.abandon(jobs);
  for (const job of copies) runtime.events.emit("job:interrupted", { job });
  for (const one of running) {
    if (!abandoned.has(one.job)) continue;
    one.interrupt();
    one.abort(reason);
  }
  return copies.map(({ id }) => id);
}

/** The bound has passed: running jobs go back with their attempt. */
async function interrupt(input: SuperviseInput, life: Life): Promise<void> {
  const { runtime, interrupted } = input;
  const reason = new Error("the worker is stopping");
  const ids = abandonJobs(input, life, reason);
  interrupted.abort(reason);
  if (ids.length > 0) {
    const returned = await runtime.engine.giveBack(life.run.pool.id, { only: ids });
    runtime.logger.warn(
      `stopping: ${returned} running jobs went back to the queue: ${ids.slice(0, 20).join(", ")}`,
    );
  }
  await life.run.kill();
}
