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
import type { Runtime } from "../runtime.ts";
import { bridgeEvents } from "./bridge.ts";
import { isPassing } from "./retries.ts";
import { type PoolRun, startPool } from "./runner.ts";
import { fence } from "./signal.ts";

/** What the supervisor is started with. */
export interface SuperviseInput {
  readonly runtime: Runtime;
  readonly tasks: TaskList;
  /** Runs that hooks apply to. */
  readonly running: ReadonlySet<JobRun>;
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

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** How long a new pool waits for the jobs of the one it replaces, so that they do not run beside each other. */
const HANDOVER_MS = 5_000;
/** Connections break in groups; one replacement answers them all. */
const SETTLE_MS = 100;

/**
 * Starts the engine and starts it again whenever its pool ends by itself, or after a connection broke while
 * in use. The engine does not repeat a batch of completions or failures that failed: it shuts its pool down.
 * And a claim whose answer was lost holds jobs that nobody runs. Both are mended the same way: a new pool
 * takes over, and what the old one still holds is settled.
 */
export async function superviseEngine(input: SuperviseInput): Promise<Supervisor> {
  const { runtime } = input;
  const { logger, events } = runtime;
  let current: Life | undefined;
  let stopping = false;
  let replacing: Promise<void> | undefined;
  const settling = new Set<Promise<unknown>>();

  async function begin(): Promise<void> {
    const life = await startLife(input);
    current = life;
    void life.run.ended.then((cause) => {
      if (!stopping && current === life)
        void replace(life, cause ?? new Error("the engine's pool ended by itself"));
    });
  }

  function replace(old: Life, cause: unknown): Promise<void> {
    replacing ??= replaceNow(old, cause).finally(() => {
      replacing = undefined;
    });
    return replacing;
  }

  async function replaceNow(old: Life, cause: unknown): Promise<void> {
    logger.warn(`replacing the engine's pool ${old.run.pool.id}: ${messageOf(cause)}`, {
      error: cause,
    });
    current = undefined;
    const ended = old.run.stop();
    await Promise.race([ended, sleep(HANDOVER_MS, undefined, { ref: false })]);
    const settled = ended
      .then(() => old.run.settle())
      .then(
        (returned) => events.emit("engine:restarted", { cause, returned }),
        (error: unknown) =>
          logger.error(`could not settle what pool ${old.run.pool.id} held: ${messageOf(error)}`, {
            error,
          }),
      )
      .finally(() => {
        old.close();
        settling.delete(settled);
      });
    settling.add(settled);
    for (let pause = FIRST_PAUSE_MS; !stopping; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await begin();
        return;
      } catch (error) {
        if (!isPassing(error)) return input.onFatal(error);
        logger.warn(`cannot reach the database, trying again: ${messageOf(error)}`, { error });
        await sleep(pause * (0.5 + Math.random()));
      }
    }
  }

  let suspected: NodeJS.Timeout | undefined;
  const jobsInProgress = () => current?.activeJobs().length ?? 0;
  runtime.runner = {
    running: jobsInProgress,
    nudge(count) {
      if (current !== undefined && !isShuttingDown(current.run.pool)) current.run.pool.nudge(count);
    },
    connectionBroke(error) {
      if (stopping || suspected !== undefined) return;
      suspected = setTimeout(() => {
        suspected = undefined;
        if (!stopping && current !== undefined) void replace(current, error);
      }, SETTLE_MS);
    },
  };

  await begin();

  return {
    jobsInProgress,
    async stop(deadline) {
      stopping = true;
      clearTimeout(suspected);
      await replacing;
      const life = current;
      if (life !== undefined) {
        const ended = life.run.stop();
        const inTime = await Promise.race([
          ended.then(() => true),
          sleep(Math.max(0, deadline - Date.now()), false, { ref: true }),
        ]);
        if (!inTime) await interrupt(input, life);
        await life.run.settle().catch((error: unknown) => {
          logger.error(`could not settle what pool ${life.run.pool.id} held: ${messageOf(error)}`, {
            error,
          });
        });
        life.close();
      }
      await Promise.all(settling);
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
}

async function startLife({
  runtime,
  tasks,
  crontab,
  parsedCronItems,
  running,
}: SuperviseInput): Promise<Life> {
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
    signal: runtime.signal,
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
  };
}

/** The bound has passed: running jobs go back with their attempt, and their tasks' ends count for nothing. */
async function interrupt(
  { runtime, running }: SuperviseInput,
  { run, activeJobs }: Life,
): Promise<void> {
  const jobs = activeJobs();
  const interrupted = new Set(jobs);
  for (const one of running)
    if (interrupted.has(one.job)) one.abort(new Error("the worker is stopping"));
  if (jobs.length > 0) {
    const ids = jobs.map(({ id }) => id);
    const returned = await runtime.engine.giveBack(run.pool.id, ids);
    runtime.logger.warn(
      `stopping: ${returned} running jobs went back to the queue: ${ids.slice(0, 20).join(", ")}`,
    );
    for (const job of jobs) runtime.events.emit("job:interrupted", { job: { ...job } });
    for (const one of running) if (interrupted.has(one.job)) one.interrupt();
    for (const job of jobs) fence(job);
  }
  await run.kill();
}
