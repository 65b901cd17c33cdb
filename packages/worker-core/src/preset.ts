import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Worker as EngineWorker, TaskList, WorkerEvents, WorkerPool } from "graphile-worker";
import type { AnyPlugin } from "./contract/plugin.ts";
import { bridgeEvents } from "./engine/bridge.ts";
import { fence, isSettled } from "./engine/signal.ts";
import { isShuttingDown } from "./engine/supervisor.ts";
import { ConfigurationError, messageOf } from "./errors.ts";
import { CLIENT_KEYS, type ClientOptions } from "./options.ts";
import { Leaving } from "./pipeline/leaving.ts";
import { createTaskWrapper, definedSource, plainSource } from "./pipeline/run-task.ts";
import { RunningJobs } from "./pipeline/running-jobs.ts";
import { createRuntime, type Runtime } from "./runtime.ts";

/** What `workerPreset` takes: a client's options; the engine's own belong into the preset beside it. */
export type PresetOptions<P extends readonly AnyPlugin[] = readonly AnyPlugin[]> = ClientOptions<P>;

/**
 * The same tasks and plugins for people who run graphile-worker's own CLI or `run()` from a
 * `graphile.config.ts`.
 *
 * The engine's lifecycle stays graphile-worker's: its log shows deferred jobs as failed, and it does not
 * come back by itself after losing its database. `createWorker` mends both. When the plugins cannot start,
 * the engine is shut down before it runs a job, and the log says why.
 *
 * The plugins' pool is the preset's own: `DATABASE_URL` reaches it as well as graphile-worker's program, the
 * program's `--connection` does not.
 *
 * @throws ConfigurationError, InvalidOptionsError
 *
 * @example
 * const preset: GraphileConfig.Preset = {
 *   extends: [WorkerPreset, workerPreset({ tasks: [sendEmail], plugins: [] })],
 *   worker: { concurrentJobs: 10 },
 * };
 */
export function workerPreset<const P extends readonly AnyPlugin[]>(
  options: PresetOptions<P>,
): GraphileConfig.Preset {
  const runtime = createRuntime(options, "worker", CLIENT_KEYS, "workerPreset");
  const running = new RunningJobs();
  const { engine, events, report, query, transaction, addJob, addJobs, composition, logger } =
    runtime;
  const interrupted = new AbortController().signal;
  const wrap = createTaskWrapper(composition, {
    engine,
    events,
    report,
    query,
    transaction,
    addJob,
    addJobs,
    running,
    // The pool is graphile-worker's own: it would not wait for them at its end.
    leaving: new Leaving({ engine, limit: 0, interrupted }),
    interrupted,
  });
  const prepared = new WeakSet<object>();

  /** The engine reads its task list anew at every fetch, so tasks may still be put into it here. */
  function prepare(tasks: TaskList): void {
    if (prepared.has(tasks)) return;
    prepared.add(tasks);
    for (const [identifier, run] of Object.entries(tasks)) {
      if (composition.tasks.has(identifier) || runtime.plainTasks.has(identifier)) {
        throw new ConfigurationError([
          `task ${JSON.stringify(identifier)} is defined twice: in workerPreset and in the task directory`,
        ]);
      }
      if (run !== undefined) tasks[identifier] = wrap(plainSource(identifier, run));
    }
    for (const [identifier, run] of runtime.plainTasks)
      tasks[identifier] = wrap(plainSource(identifier, run));
    for (const task of composition.tasks.values()) {
      if (task.run !== undefined) tasks[task.identifier] = wrap(definedSource(task));
    }
  }

  let startError: unknown;
  function fail(error: unknown, pool: WorkerPool): void {
    if (startError !== undefined) return;
    startError = error;
    logger.error(`could not start, shutting down: ${messageOf(error)}`, { error });
    // Its rejection is the pool's, too, where it is heard.
    if (!isShuttingDown(pool)) Promise.resolve(pool.gracefulShutdown()).catch(() => {});
  }

  return {
    worker: {
      taskDirectory: runtime.worker.taskDirectory ?? defaultTaskDirectory(),
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      ...runtime.worker,
    },
    plugins: [
      {
        name: "OppulenceWorkerPlugin",
        version: "1",
        worker: {
          middleware: {
            init(next, { ctx }) {
              attach(ctx.events, runtime, running, prepare);
              return next();
            },
            async poolGracefulShutdown(next) {
              try {
                await next();
              } finally {
                await runtime.stop(Date.now() + runtime.stopMs).catch((error: unknown) => {
                  logger.error(`could not stop the plugins: ${messageOf(error)}`, { error });
                });
              }
              // So that `runOnce` rejects; `run` keeps it to itself, whatever the pool says.
              if (startError !== undefined) throw startError;
            },
          },
          hooks: {
            // Awaited before the worker asks for its first job.
            startWorker: async (_, { worker }) => {
              try {
                await runtime.start();
              } catch (error) {
                // The engine would only ask for the next job, without this hook.
                fail(error, worker.workerPool);
                throw error;
              }
            },
          },
        },
      },
    ],
  };
}

function attach(
  events: WorkerEvents,
  runtime: Runtime,
  running: RunningJobs,
  prepare: (tasks: TaskList) => void,
): void {
  const pools = new Set<WorkerPool>();
  // The first claims do not wait for this: the statements are graphile-worker's own here.
  const announce = ({ id }: WorkerPool) => {
    runtime.poolStarting(id).catch((error: unknown) => {
      runtime.logger.error(`could not announce pool ${id}: ${messageOf(error)}`, { error });
    });
  };
  const workers: EngineWorker[] = [];
  events.on("pool:create", ({ workerPool }) => {
    pools.add(workerPool);
    const endBridge = bridgeEvents(events, workerPool, runtime.events);
    const end = () => {
      endBridge();
      pools.delete(workerPool);
      void runtime.poolEnded(workerPool.id);
    };
    announce(workerPool);
    workerPool.promise.then(end, end);
    runtime.runner = {
      concurrency: () => workers.length,
      running: () =>
        workers.reduce((sum, worker) => sum + (worker.getActiveJob() === null ? 0 : 1), 0),
      nudge: (count) => {
        for (const pool of pools) if (!isShuttingDown(pool)) pool.nudge(count);
      },
      runs: () => running,
      // graphile-worker's own runner is in charge of the pools: they stay, and are announced anew.
      restart: (cause) => {
        for (const one of running) one.abort(cause);
        for (const pool of pools) void runtime.poolEnded(pool.id).then(() => announce(pool));
      },
    };
  });
  events.on("worker:create", ({ worker }) => workers.push(worker));
  // Both come before the first fetch reads the list; which of them comes depends on the local queue.
  events.on("localQueue:init", ({ localQueue }) =>
    prepare((localQueue as unknown as { tasks: TaskList }).tasks),
  );
  events.on("worker:create", ({ tasks }) => prepare(tasks));
  events.on("job:complete", ({ job, error }) => {
    if (error !== null && isSettled(job)) queueMicrotask(() => fence(job));
  });
}

/**
 * graphile-worker's CLI insists on a task directory. Where the project has none, it gets a module without
 * tasks, which it takes as well.
 */
function defaultTaskDirectory(): string {
  const own = `${process.cwd()}/tasks`;
  if (statSync(own, { throwIfNoEntry: false }) !== undefined) return own;
  return fileURLToPath(new URL("../preset/no-tasks.js", import.meta.url));
}
