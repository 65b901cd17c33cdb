import { type Duration, parseDuration } from "@oppulence/worker-core";
import { coreTemplate, defaultDatabases } from "../harness/default-databases.ts";
import type { TestDatabase } from "../postgres/test-database.ts";
import type { ChildMessage } from "./child/protocol.ts";
import type { ChildExit } from "./child-process.ts";
import { FaultError } from "./errors.ts";
import { type FaultPoint, parsePoint } from "./point.ts";
import {
  type ChildJobEvent,
  orderOf,
  type SpawnedWorker,
  type SpawnOptions,
  spawnOrder,
  within,
} from "./spawn-worker.ts";

/** How to come to the point. */
export interface KillOptions extends Omit<SpawnOptions, "database"> {
  /** URL of the module with the worker's config; see {@link WorkerModule}. */
  readonly module: URL | string;
  /** @defaultValue a fresh one with the tables of graphile-worker and the core; it is yours to drop */
  readonly database?: TestDatabase;
  /** Kill at the how manieth time that the point is reached. @defaultValue 1 */
  readonly occurrence?: number;
  /**
   * Counts only answers that have rows, for a point after a statement: `statement:get_job:after` is then the
   * claim of a job, not a look into an empty queue.
   * @defaultValue false
   */
  readonly withRows?: boolean;
  /**
   * False returns (with `reached` false) instead of throwing when the child has nothing left to do and has
   * not come to the point: to go through `statement:1`, `statement:2`, … until there are no more.
   * @defaultValue true
   */
  readonly mustReach?: boolean;
  /** How long the child may take. @defaultValue `"20s"` */
  readonly timeout?: Duration;
}

/** A child that killed itself, and what it left behind. */
export interface Killed extends ChildExit {
  readonly pid: number;
  /** Whether it came to the point; then `signal` is `SIGKILL`. */
  readonly reached: boolean;
  /** The engine's pools of the dead process, for `recoverPools`. */
  readonly pools: readonly string[];
  /** What happened to jobs in it, oldest first. */
  readonly events: readonly ChildJobEvent[];
  /** Results of its `enqueue`, as far as it came. */
  readonly enqueued: readonly Extract<ChildMessage, { type: "enqueued" }>["result"][];
  /** The points that it passed, or its statements when the point was one, in the order of their first time. */
  readonly passed: readonly string[];
  /** To look at what is there now. */
  readonly database: TestDatabase;
}

const DEFAULT_TIMEOUT = "20s";

/**
 * Runs a worker in a child process that kills itself (SIGKILL: no handler runs, no connection is closed in
 * order) when it comes to a point, and waits until it is dead and the database has ended its sessions.
 *
 * The child adds the jobs of `enqueue`, runs what is in the queue, and ends by itself once nothing is ready
 * or running. Its jobs stay locked by its pools; see `recoverPools`.
 *
 * @throws FaultError `UNKNOWN_POINT`; `POINT_NOT_REACHED` naming the points that it passed instead;
 * `CHILD_FAILED` when its worker could not start; `CHILD_TIMEOUT`
 *
 * @example
 * ```ts
 * const killed = await killAt("beforeRun:after", {
 *   module: new URL("./a-worker.ts", import.meta.url),
 *   enqueue: [{ task: "send_email", payload: { to: "a@b.c" } }],
 * });
 * await using harness = await createHarness({ database: killed.database, tasks: [sendEmail] });
 * await recoverPools(harness.worker.engine, killed.pools);
 * await harness.drain();
 * ```
 */
export async function killAt(point: FaultPoint, options: KillOptions): Promise<Killed> {
  const parsed = parsePoint(point);
  const database = options.database ?? (await freshDatabase());
  const timeoutMs = parseDuration(options.timeout ?? DEFAULT_TIMEOUT, "timeout");
  const spawned = spawnOrder(
    {
      ...orderOf(options.module, { ...options, database }),
      fault: {
        point: parsed,
        occurrence: options.occurrence ?? 1,
        withRows: options.withRows ?? false,
      },
      untilDrained: true,
    },
    options.env,
  );
  try {
    const exit = await within(spawned.exited, timeoutMs, () =>
      [`the child did not end within ${timeoutMs} ms`, ...story(spawned)].join("\n"),
    );
    return report(point, spawned, exit, database, options.mustReach !== false);
  } catch (error) {
    await spawned.kill();
    if (options.database === undefined) await database.drop();
    throw error;
  }
}

async function freshDatabase(): Promise<TestDatabase> {
  const databases = await defaultDatabases();
  return databases.createDatabase({ template: await coreTemplate(databases) });
}

function report(
  point: FaultPoint,
  spawned: SpawnedWorker,
  exit: ChildExit,
  database: TestDatabase,
  mustReach: boolean,
): Killed {
  const reached = spawned.messages.some(({ type }) => type === "killing");
  const isDrained = spawned.messages.some(({ type }) => type === "drained");
  if (!reached && (mustReach || !isDrained)) throw notReached(point, spawned, isDrained);
  return {
    ...exit,
    pid: spawned.pid,
    reached,
    pools: spawned.pools,
    events: spawned.events,
    enqueued: spawned.messages.flatMap((message) =>
      message.type === "enqueued" ? [message.result] : [],
    ),
    passed: passed(spawned),
    database,
  };
}

function notReached(point: FaultPoint, spawned: SpawnedWorker, isDrained: boolean): FaultError {
  const error = spawned.messages.find((message) => message.type === "error");
  if (error !== undefined) {
    return new FaultError("CHILD_FAILED", `the child failed: ${error.stack}\n${spawned.output()}`);
  }
  const why = isDrained ? "it had nothing left to do" : "it ended early";
  return new FaultError(
    "POINT_NOT_REACHED",
    [`the child never came to ${JSON.stringify(point)}: ${why}`, ...story(spawned)].join("\n"),
  );
}

function story(spawned: SpawnedWorker): string[] {
  const events = spawned.events.map(({ name, id }) => `${name} ${id}`);
  return [
    `  it passed: ${passed(spawned).slice(-20).join(", ") || "no point"}`,
    `  its events: ${events.slice(-20).join(", ") || "none"}`,
    ...(spawned.output() === "" ? [] : [`  it wrote: ${spawned.output().trim()}`]),
  ];
}

function passed({ messages }: SpawnedWorker): string[] {
  return messages.flatMap((message) => (message.type === "point" ? [message.label] : []));
}
