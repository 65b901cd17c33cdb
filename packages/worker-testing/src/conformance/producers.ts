import { EventEmitter } from "node:events";
import { createWorker, defineTask } from "@oppulence/worker-core";
import { backdateCrontab } from "@oppulence/worker-core/engine-testing";
import { parseCronItems, type WorkerEvents } from "graphile-worker";
import { captureLogger } from "../harness/captured-logger.ts";
import { until } from "../harness/until.ts";
import { ConformanceError } from "./errors.ts";
import type { Added, Stage } from "./stage.ts";

/** A way by which jobs come into the queue. */
export interface Producer {
  /** As in: a job added by … */
  readonly name: string;
  /** Whether it goes through `addJob`, and so through `beforeEnqueue`. */
  readonly isCore: boolean;
  /** Adds one job; undefined when its result is only to be seen in the database. */
  readonly add: (stage: Stage) => Promise<Added | undefined>;
}

const BACKFILL_MS = 5 * 60_000;

/** Every way by which jobs come into the queue. */
export const PRODUCERS: readonly Producer[] = [
  { name: "addJob", isCore: true, add: (stage) => stage.add() },
  { name: "addJobs", isCore: true, add: addByAddJobs },
  {
    name: "addJob with an array as its payload",
    isCore: true,
    add: (stage) => stage.add({}, [stage.payload(), stage.payload()]),
  },
  { name: "SQL add_job", isCore: false, add: addBySql },
  { name: "a native crontab", isCore: false, add: addByCrontab },
];

async function addByAddJobs({ harness, script, payload, options }: Stage): Promise<Added> {
  const task = script.taskFor(payload());
  try {
    const [added] = await harness.worker.addJobs([
      { ...options(), task, payload: payload() as never },
    ]);
    return added as Added;
  } catch (error) {
    return { status: "rejected", error };
  }
}

async function addBySql({ harness, script, payload, options }: Stage): Promise<Added> {
  const { identifier } = script.taskFor(payload());
  try {
    const id = await harness.enqueueSql(identifier, payload(), options());
    // A trigger may have kept the row out without an error.
    return id === null ? { status: "rejected", error: undefined } : { status: "added", id };
  } catch (error) {
    return { status: "rejected", error };
  }
}

/** Runs graphile-worker's own cron beside the stage's worker, with an entry that is overdue, until it has fired. */
async function addByCrontab({ harness, script, payload, subject }: Stage): Promise<undefined> {
  const cronPayload = payload() as Record<string, unknown>;
  const { identifier } = script.taskFor({ ...cronPayload, _cron: {} });
  const identity = "conformance";
  await backdateCrontab(harness.sql, identity);
  let fired = false;
  const items = parseCronItems([
    {
      task: identifier,
      identifier: identity,
      payload: cronPayload,
      // Once, whatever minute it is.
      match: () => {
        const isFirst = !fired;
        fired = true;
        return isFirst;
      },
      options: { backfillPeriod: BACKFILL_MS },
    },
  ]);
  const { logger, entries } = captureLogger();
  const events = new EventEmitter() as WorkerEvents;
  let isDone = false;
  events.on("cron:started", () => {
    isDone = true;
  });
  const cron = createWorker({
    pool: harness.pool,
    tasks: [defineTask({ identifier: "conformance_idle", run: () => {} })],
    parsedCronItems: items,
    migrations: "off",
    handleSignals: false,
    config: false,
    logger,
    worker: { events },
  });
  await cron.start();
  // A trigger that refuses the row has cron try again and again.
  const refused = () => entries.some(({ message }) => message.startsWith("Cron hit an error"));
  const look = async () => (isDone || refused() ? true : undefined);
  const done = await until(look, { timeoutMs: subject.timeoutMs });
  await cron.stop();
  if (done !== true) throw new ConformanceError("graphile-worker's cron did not fire");
}
