import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { TaskList } from "graphile-worker";
import { type Client, toClient } from "./client.ts";
import type { Composition } from "./compose/compose.ts";
import { BRAND } from "./contract/brand.ts";
import type { AnyPlugin } from "./contract/plugin.ts";
import { type Supervisor, superviseEngine } from "./engine/supervisor.ts";
import { ConfigurationError } from "./errors.ts";
import { WORKER_KEYS, type WorkerOptions } from "./options.ts";
import { Leaving } from "./pipeline/leaving.ts";
import {
  createTaskWrapper,
  definedSource,
  plainSource,
  type RunShared,
} from "./pipeline/run-task.ts";
import { RunningJobs } from "./pipeline/running-jobs.ts";
import { createRuntime, type Runtime } from "./runtime.ts";
import { onTerminationSignal } from "./termination.ts";

/** Rows that plugins move away after their jobs' slots were let go; each keeps an error in memory. */
const MOST_LEAVING = 1_000;

/** Runs jobs, and adds them. */
export interface Worker<P extends readonly AnyPlugin[] = readonly AnyPlugin[]> extends Client<P> {
  /** `host:pid:random`, for people; the engine's pools have ids of their own. */
  readonly id: string;
  /** Settles once the worker has stopped, whoever asked; rejects when it could not go on. */
  readonly finished: Promise<void>;
  /** Jobs that run in this process now. */
  readonly jobsInProgress: number;
  /**
   * Stops claiming, waits for running jobs, then stops the plugins in reverse order.
   *
   * A job that still runs when the bound passes has its signal aborted and goes back to the queue: that
   * costs it no attempt. Its task may still be running then; what it returns counts for nothing.
   *
   * @param options.timeout - the bound in milliseconds; the option `stopTimeout` unless given
   */
  stop(options?: { readonly timeout?: number }): Promise<void>;
}

/**
 * Makes a worker. Nothing is connected before `start` (or the first `addJob`).
 *
 * @throws ConfigurationError with every problem found in plugins and tasks; InvalidOptionsError
 *
 * @example
 * const worker = createWorker({ connectionString, tasks: [sendEmail], plugins: [] });
 * await worker.start();
 */
export function createWorker<const P extends readonly AnyPlugin[] = readonly []>(
  options: WorkerOptions<P>,
): Worker<P> {
  const runtime = createRuntime(options, "worker", WORKER_KEYS, "createWorker");
  assertRunnable(runtime.composition);
  const id = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  const running = new RunningJobs();
  const interrupted = new AbortController();
  const { engine } = runtime;
  const leaving = new Leaving({
    engine,
    limit: MOST_LEAVING,
    interrupted: interrupted.signal,
  });
  let supervisor: Supervisor | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  let releaseSignals: (() => void) | undefined;
  const finished = deferred();
  // Nobody has to wait for it.
  finished.promise.catch(() => {});

  async function start(): Promise<void> {
    await runtime.start();
    const tasks = engineTasks(runtime, { running, leaving, interrupted: interrupted.signal });
    supervisor = await superviseEngine({
      runtime,
      tasks,
      running,
      leaving,
      interrupted,
      crontab: options.crontab,
      parsedCronItems: options.parsedCronItems,
      onFatal: (error) => {
        void stop({ timeout: 0 }).then(() => finished.reject(error));
      },
    });
    if (options.handleSignals !== false)
      releaseSignals = onTerminationSignal(() => stop(), runtime.logger);
    runtime.events.emit("worker:started", { worker: id });
  }

  function stop({ timeout = runtime.stopMs }: { readonly timeout?: number } = {}): Promise<void> {
    stopping ??= (async () => {
      const deadline = Date.now() + timeout;
      await starting?.catch(() => {});
      await supervisor?.stop(deadline);
      // Plugins get a moment of their own even when the jobs used the whole bound up.
      await runtime.stop(Math.max(deadline, Date.now() + 1_000));
      releaseSignals?.();
      runtime.events.emit("worker:stopped", { worker: id });
      finished.resolve();
    })();
    return stopping;
  }

  return {
    ...toClient<P>(runtime),
    [BRAND]: "worker",
    id,
    finished: finished.promise,
    get jobsInProgress() {
      return runtime.runner.running();
    },
    start: async () => {
      if (stopping !== undefined)
        throw new Error("the worker was stopped; make a new one to start again");
      starting ??= start().catch((error: unknown) => {
        starting = undefined;
        throw error;
      });
      await starting;
    },
    stop,
  };
}

/**
 * Refuses tasks that were only declared.
 *
 * @throws ConfigurationError naming each
 */
export function assertRunnable({ tasks }: Composition): void {
  const declared = [...tasks.values()].filter(({ run }) => run === undefined);
  if (declared.length === 0) return;
  throw new ConfigurationError(
    declared.map(
      ({ identifier }) =>
        `task ${JSON.stringify(identifier)} is only declared; a worker needs defineTask, with \`run\``,
    ),
  );
}

/** The engine's task list: defined tasks and plain ones, each with its hooks. */
function engineTasks(
  runtime: Runtime,
  ofWorker: Pick<RunShared, "running" | "leaving" | "interrupted">,
): TaskList {
  const { composition, plainTasks, engine, events, report, query, transaction, addJob, addJobs } =
    runtime;
  const wrap = createTaskWrapper(composition, {
    engine,
    events,
    report,
    query,
    transaction,
    addJob,
    addJobs,
    ...ofWorker,
  });
  const tasks: TaskList = {};
  for (const task of composition.tasks.values()) tasks[task.identifier] = wrap(definedSource(task));
  for (const [identifier, run] of plainTasks)
    tasks[identifier] = wrap(plainSource(identifier, run));
  if (Object.keys(tasks).length > 0) return tasks;
  throw new ConfigurationError([
    "a worker without tasks has nothing to run: give tasks, taskList or worker.taskDirectory",
  ]);
}

interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

function deferred(): Deferred {
  let settle: Omit<Deferred, "promise"> | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...(settle as Omit<Deferred, "promise">) };
}
