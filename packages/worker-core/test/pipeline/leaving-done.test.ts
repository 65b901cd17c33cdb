import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type AfterRunInput, defineTask, type TaskContext, taken } from "../../src/index.ts";
import { eventsOf } from "../support/events.ts";
import { plugin } from "../support/plugins.ts";
import { testWorker, until } from "../support/worker.ts";

/** A job that succeeded, whose row goes when the test says so. */
interface Move {
  readonly end: () => Promise<void>;
  readonly settle: (moved: boolean) => void;
  readonly fail: (error: Error) => void;
}

const BATCHES = { completeJobBatchDelay: 5, failJobBatchDelay: 5 };

/**
 * A worker for one job at a time, whose task leaves it to a plugin to move the job's row.
 *
 * @param hooks - whether a hook applies to the task
 */
async function leaving({ hooks = true, engine = {} } = {}) {
  const moves: Move[] = [];
  const ran: number[] = [];
  const after: unknown[] = [];
  let take = async (_: Pick<TaskContext["job"], "id" | "locked_by" | "job_queue_id">) => {};
  const task = defineTask({
    identifier: "good",
    run: (payload, { job }) => {
      ran.push((payload as { n: number }).n);
      const { promise, resolve, reject } = Promise.withResolvers<boolean>();
      const { id, locked_by, job_queue_id } = job;
      moves.push({
        async end() {
          await take({ id, locked_by, job_queue_id });
          resolve(true);
        },
        settle: resolve,
        fail: reject,
      });
      return taken(promise);
    },
  });
  const test = await testWorker({
    tasks: [task],
    plugins: [
      plugin("mover", ({ engine: database }) => {
        take = async (job) => {
          const into = { sql: "select id from taken", values: [] };
          const rows = await database.takeInto({ claimed: [job] }, into);
          expect(rows).toHaveLength(1);
        };
        const run = ({ result }: AfterRunInput) => void after.push(result);
        return hooks ? { afterRun: { run } } : {};
      }),
    ],
    worker: { concurrentJobs: 1, ...engine },
  });
  const add = (n: number) => test.worker.addJob(task, { n }, { queueName: `q${n}` });
  const queues = () =>
    test.sql("select from graphile_worker._private_job_queues where locked_at is not null");
  return { ...test, task, moves, ran, after, add, queues };
}

describe.each([
  ["a task with hooks", { hooks: true }],
  ["a task without hooks", { hooks: false }],
  ["a task with hooks, completions in batches", { hooks: true, engine: BATCHES }],
])("taken, returned by %s", (_, options) => {
  it("lets the slot go while the row is moved, and writes no completion", async () => {
    const { worker, moves, ran, after, add, jobs, queues } = await leaving(options);
    const succeeded = eventsOf(worker.events, "job:succeeded");
    await worker.start();
    await add(1);
    await add(2);
    await until(() => ran.length === 2, "both ran");
    await until(() => worker.jobsInProgress === 0, "the slot is free");
    // Longer than a completion takes.
    await sleep(50);
    expect(await jobs()).toMatchObject([
      { attempts: 1, locked_by: expect.any(String) },
      { attempts: 1, locked_by: expect.any(String) },
    ]);
    expect(await queues()).toHaveLength(2);
    expect(succeeded).toHaveLength(2);
    if (options.hooks) expect(after).toEqual([undefined, undefined]);
    for (const { end } of moves) await end();
    expect(await jobs()).toEqual([]);
    expect(await queues()).toEqual([]);
    expect(ran).toEqual([1, 2]);
  });

  it("has a stop wait for the row", async () => {
    const { worker, moves, add, jobs } = await leaving(options);
    await add(1);
    await worker.start();
    await until(() => moves.length === 1, "it is on its way");
    let stopped = false;
    const stopping = worker.stop().then(() => {
      stopped = true;
    });
    await until(() => worker.jobsInProgress === 0, "the slot is free");
    await sleep(50);
    expect(stopped).toBe(false);
    await moves[0]?.end();
    await stopping;
    expect(await jobs()).toEqual([]);
  });

  it("is a failed attempt when the row cannot be moved, and the job runs again", async () => {
    const { worker, moves, add, jobs, logs, sql } = await leaving(options);
    await add(1);
    await worker.start();
    await until(() => moves.length === 1, "it is on its way");
    moves[0]?.fail(new Error("the database refused it"));
    await until(async () => (await jobs())[0]?.last_error !== null, "its failure is recorded");
    expect(await jobs()).toMatchObject([
      { attempts: 1, locked_by: null, last_error: "the database refused it" },
    ]);
    expect(logs).toContainEqual({
      level: "error",
      message: expect.stringContaining("the database refused it"),
    });
    await sql("update graphile_worker._private_jobs set run_at = now()");
    await worker.addJob("good", { n: 2 });
    await until(() => moves.length === 3, "it ran again");
    for (const { end } of moves.slice(1)) await end();
    expect(await jobs()).toEqual([]);
  });
});

describe("taken, returned by a task", () => {
  it("does not keep a stop beyond its bound: the job goes back, at no cost", async () => {
    const { worker, moves, add, jobs } = await leaving();
    await add(1);
    await worker.start();
    await until(() => moves.length === 1, "it is on its way");
    await worker.stop({ timeout: 200 });
    expect(await jobs()).toMatchObject([{ attempts: 0, locked_by: null, last_error: null }]);
  });

  it("is lost to nobody when connections are cut: what is on its way is not run again", async () => {
    const { worker, moves, ran, jobs, sql, task } = await leaving({
      engine: { concurrentJobs: 4, localQueue: { size: 10 } },
    });
    await worker.start();
    const payloads = Array.from({ length: 200 }, (_, n) => ({ task, payload: { n } }));
    await worker.addJobs(payloads);
    let ended = 0;
    for (const count of [20, 60, 100, 150]) {
      await until(() => ran.length >= count, `${count} ran`);
      await sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      );
      // Ends some, and leaves those that came last on their way.
      const over = moves.length - 10;
      while (ended < over) await endSurely(moves[ended++] as Move);
    }
    await until(() => ran.length >= payloads.length, "all ran");
    while (ended < moves.length) await endSurely(moves[ended++] as Move);
    await until(async () => (await jobs()).length === 0, "no job is left");
    expect([...ran].sort((a, b) => a - b)).toEqual(payloads.map((_, n) => n));
  });
});

/** A plugin's statement is its own to repeat. */
async function endSurely({ end }: Move): Promise<void> {
  for (let turn = 0; ; turn++) {
    try {
      return await end();
    } catch (error) {
      if (turn === 20) throw error;
      await sleep(20);
    }
  }
}
