import { type Duration, parseDuration } from "@oppulence/worker-core";
import type { TestDatabase } from "../postgres/test-database.ts";
import type { ChildJob, ChildMessage, ChildOrder } from "./child/protocol.ts";
import { type ChildExit, startChild } from "./child-process.ts";
import { FaultError } from "./errors.ts";
import { sessionsEnded } from "./sessions.ts";

/** Where a child's worker runs and what it is told. */
export interface SpawnOptions {
  readonly database: Pick<TestDatabase, "url">;
  /** For the module's factory; anything that survives JSON. */
  readonly data?: unknown;
  /** Added by the child's worker, one after another, once it has started. */
  readonly enqueue?: readonly ChildJob[];
  /** Connections of the worker's pool. @defaultValue 10 */
  readonly poolSize?: number;
  /** Environment variables besides those of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

/** A job's event in a child, as it happened there. */
export type ChildJobEvent = Omit<Extract<ChildMessage, { type: "event" }>, "type">;

/** A message of a child, or undefined once it has ended. */
type Listener = (message: ChildMessage | undefined) => void;

/** A worker in a process of its own. It ends with this process, however this one ends. */
export interface SpawnedWorker {
  readonly pid: number;
  /**
   * Settles once the worker has started.
   *
   * @throws FaultError `CHILD_FAILED` with what the child said
   */
  readonly ready: Promise<void>;
  /** Settles once the process has ended, and with it its sessions in the database. */
  readonly exited: Promise<ChildExit>;
  /** What happened to jobs in it so far, oldest first; grows. */
  readonly events: readonly ChildJobEvent[];
  /** Ids of the engine's pools that it made so far: the owners of its locks. */
  readonly pools: readonly string[];
  /** Everything else that it told; grows. */
  readonly messages: readonly ChildMessage[];
  /** What it wrote to standard error and output. */
  output(): string;
  /**
   * Waits for an event of a job, past ones included.
   *
   * @throws FaultError `CHILD_TIMEOUT`, or `CHILD_FAILED` when it ends first
   */
  waitFor(
    matches: (event: ChildJobEvent) => boolean,
    options?: { readonly timeout?: Duration },
  ): Promise<ChildJobEvent>;
  /**
   * Sends a signal and waits until the process has ended. `SIGTERM` has the worker stop in order.
   *
   * @param signal - @defaultValue `"SIGKILL"`
   */
  kill(signal?: NodeJS.Signals): Promise<ChildExit>;
  /** {@link SpawnedWorker.kill}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const DEFAULT_TIMEOUT = "10s";

/**
 * Starts a worker in a process of its own, from a module that exports its config.
 *
 * The child is forked with this process's `--conditions`, so it resolves packages to the same files; a
 * module in TypeScript must have only types that can be erased.
 *
 * @param module - URL of the module; see {@link WorkerModule}
 *
 * @example
 * ```ts
 * const spawned = spawnWorker(new URL("./a-worker.ts", import.meta.url), { database });
 * await spawned.ready;
 * await spawned.kill();
 * ```
 */
export function spawnWorker(module: URL | string, options: SpawnOptions): SpawnedWorker {
  return spawnOrder(orderOf(module, options), options.env);
}

/** The order of a worker without a fault. */
export function orderOf(module: URL | string, options: SpawnOptions): ChildOrder {
  return {
    module: String(module),
    connectionString: options.database.url,
    data: options.data,
    enqueue: options.enqueue ?? [],
    untilDrained: false,
    ...(options.poolSize !== undefined && { poolSize: options.poolSize }),
  };
}

/** Starts a child with any order. */
export function spawnOrder(order: ChildOrder, env: NodeJS.ProcessEnv = {}): SpawnedWorker {
  const messages: ChildMessage[] = [];
  const events: ChildJobEvent[] = [];
  const pools: string[] = [];
  const listeners = new Set<Listener>();
  const child = startChild(order, env, (message) => {
    messages.push(message);
    if (message.type === "pool") pools.push(message.id);
    if (message.type === "event") {
      const { type: _type, ...event } = message;
      events.push(event);
    }
    for (const listener of [...listeners]) listener(message);
  });
  const pid = child.process.pid as number;
  const exited = child.exited.then(async (exit) => {
    await sessionsEnded(order.connectionString, pid);
    return exit;
  });
  void exited.then(() => {
    for (const listener of [...listeners]) listener(undefined);
  });

  /** Settles with the first answer that `find` gives to a message; rejects once the child has ended. */
  const next = <T>(find: (message: ChildMessage) => T | undefined): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const listener: Listener = (message) => {
      const answer = message === undefined ? undefined : find(message);
      if (answer === undefined && message !== undefined) return;
      listeners.delete(listener);
      if (answer === undefined) reject(endedEarly(messages, child.output()));
      else resolve(answer);
    };
    listeners.add(listener);
    return promise;
  };

  const ready = next((message) => (message.type === "ready" ? true : undefined)).then(() => {});
  // Nobody has to wait for it.
  ready.catch(() => {});
  const kill = (signal: NodeJS.Signals = "SIGKILL") => {
    child.process.kill(signal);
    return exited;
  };

  return {
    pid,
    ready,
    exited,
    events,
    pools,
    messages,
    output: child.output,
    kill,
    async waitFor(matches, { timeout = DEFAULT_TIMEOUT } = {}) {
      const past = events.find(matches);
      if (past !== undefined) return past;
      const timeoutMs = parseDuration(timeout, "timeout");
      const event = next((message) => {
        if (message.type !== "event") return undefined;
        const { type: _type, ...rest } = message;
        return matches(rest) ? rest : undefined;
      });
      return within(event, timeoutMs, () => {
        const seen = events.slice(-8).map(({ name, id }) => `${name} ${id}`);
        return `waited ${timeoutMs} ms for an event of process ${pid}; the last ones were: ${seen.join(", ") || "none"}\n${child.output()}`;
      });
    },
    async [Symbol.asyncDispose]() {
      await kill();
    },
  };
}

function endedEarly(messages: readonly ChildMessage[], output: string): FaultError {
  const error = messages.find((message) => message.type === "error");
  const problem =
    error === undefined ? "the child ended early" : `the child failed: ${error.stack}`;
  return new FaultError("CHILD_FAILED", [problem, output.trim()].filter(Boolean).join("\n"));
}

/**
 * Bounds how long a promise is waited for.
 *
 * @throws FaultError `CHILD_TIMEOUT`
 */
export function within<T>(promise: Promise<T>, timeoutMs: number, why: () => string): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new FaultError("CHILD_TIMEOUT", why())), timeoutMs);
  // The one that comes second has nobody to hear it.
  promise.catch(() => {});
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}
