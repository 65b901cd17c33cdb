import { EventEmitter } from "node:events";
import { flushCompileCache } from "node:module";
import { setTimeout } from "node:timers/promises";
import {
  createWorker,
  type EventMap,
  type Worker,
  type WorkerOptions,
} from "@oppulence/worker-core";
import type { WorkerEvents } from "graphile-worker";
import pg from "pg";
import { busyJobs } from "../../harness/drain.ts";
import { until } from "../../harness/until.ts";
import { sessionName } from "../sessions.ts";
import type { WorkerModuleContext } from "../worker-module.ts";
import { childLogger } from "./child-logger.ts";
import { dieWithParent } from "./die.ts";
import { withProbes } from "./probe-plugins.ts";
import { probedPool } from "./probe-pool.ts";
import { CHILD_ENV, type ChildJob, type ChildOrder } from "./protocol.ts";
import { tell } from "./tell.ts";
import { createTrigger, type Trigger } from "./trigger.ts";

const DEFAULT_POOL_SIZE = 10;
/** Longer than any parent waits for its child. */
const DRAIN_TIMEOUT_MS = 24 * 60 * 60_000;
const FIRST_LOOK_MS = 200;
const TOLD_EVENTS = [
  "job:started",
  "job:succeeded",
  "job:failed",
  "job:exhausted",
  "job:deferred",
  "job:skipped",
  "job:interrupted",
] as const satisfies readonly (keyof EventMap)[];

/** Runs the order of this process's environment: the whole life of a spawned worker. */
export async function runChild(): Promise<void> {
  dieWithParent();
  try {
    const order = JSON.parse(process.env[CHILD_ENV] ?? "") as ChildOrder;
    await run(order);
  } catch (error) {
    const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
    tell({ type: "error", message, stack });
    process.exit(1);
  }
}

async function run(order: ChildOrder): Promise<void> {
  const trigger = createTrigger(order.fault);
  const pool = probedPool(
    {
      connectionString: order.connectionString,
      max: order.poolSize ?? DEFAULT_POOL_SIZE,
      application_name: sessionName(process.pid),
    },
    trigger.statements,
  );
  const options = await loadConfig(order);
  // By itself it is written when the process ends in order, which this one may never do.
  flushCompileCache();
  const worker = createWorker(workerOptions(options, pool, order, trigger));
  for (const name of TOLD_EVENTS) {
    worker.events.on(name, ({ job: { id, task_identifier: task, attempts } }) =>
      tell({ type: "event", name, id, task, attempts }),
    );
  }
  await worker.start();
  tell({ type: "ready", worker: worker.id });
  for (const job of order.enqueue) await enqueue(worker, job);
  if (!order.untilDrained) return;
  await drained(order, options.worker?.schema ?? "graphile_worker");
  tell({ type: "drained" });
  await worker.stop();
  // The module may keep the event loop busy with things of its own.
  process.exit(0);
}

async function loadConfig({ module, data }: ChildOrder): Promise<WorkerOptions> {
  const loaded = (await import(module)) as { config?: unknown; default?: unknown };
  const factory = loaded.config ?? loaded.default;
  if (typeof factory !== "function") {
    throw new TypeError(
      `${module} exports ${Object.keys(loaded).join(", ") || "nothing"}; a worker module exports a function \`config\` that returns the worker's options`,
    );
  }
  return (await (factory as (context: WorkerModuleContext) => unknown)({ data })) as WorkerOptions;
}

function workerOptions(
  options: WorkerOptions,
  pool: pg.Pool,
  { fault }: ChildOrder,
  { reach }: Trigger,
): WorkerOptions {
  const events = options.worker?.events ?? (new EventEmitter() as WorkerEvents);
  events.on("pool:create", ({ workerPool }) => tell({ type: "pool", id: workerPool.id }));
  const plugins = options.plugins ?? [];
  const { connectionString: _connectionString, ...rest } = options;
  return {
    config: false,
    logger: childLogger(),
    ...rest,
    pool,
    worker: { ...options.worker, events },
    // Without a point in a hook there is no probe either: the worker runs as it would by itself.
    plugins: fault?.point.kind === "label" ? withProbes(plugins, reach) : plugins,
  };
}

async function enqueue(worker: Worker, { task, payload, ...options }: ChildJob): Promise<void> {
  const result = await worker.addJob(task, payload, options);
  tell({ type: "enqueued", result });
}

/** Looks through a connection of its own, so that the looks are no statements of the worker. */
async function drained({ connectionString }: ChildOrder, engineSchema: string): Promise<void> {
  // Most children have died by then, and were spared the connection.
  await setTimeout(FIRST_LOOK_MS);
  const client = new pg.Client({ connectionString });
  client.on("error", () => {});
  await client.connect();
  const query = async (text: string, values?: readonly unknown[]) =>
    (await client.query(text, values as unknown[])).rows as never;
  const look = async () =>
    (await busyJobs(query, engineSchema, 1)).length === 0 ? true : undefined;
  await until(look, { timeoutMs: DRAIN_TIMEOUT_MS });
  await client.end();
}
