import { describe, expect, it } from "vitest";
import { defineTask, type FailureInput, taken } from "../../src/index.ts";
import { eventsOf } from "../support/events.ts";
import { plugin } from "../support/plugins.ts";
import { testWorker, until } from "../support/worker.ts";

const REASON = { code: "ENOUGH", message: "enough is enough" };

/** A move that ends when the test says so. */
interface Move {
  readonly job: string;
  readonly end: (moved: boolean) => Promise<void>;
  readonly fail: (error: Error) => void;
}

/** A worker for one job at a time, whose failed jobs a plugin moves away behind their backs. */
async function leaving({ reason = undefined as typeof REASON | undefined, timeout = 5_000 } = {}) {
  const moves: Move[] = [];
  const ran: number[] = [];
  const task = defineTask({
    identifier: "bad",
    run: (payload) => {
      ran.push((payload as { n: number }).n);
      throw new Error("no luck");
    },
  });
  const test = await testWorker({
    tasks: [task],
    plugins: [
      plugin("mover", ({ engine }) => ({
        onFailure: {
          timeout,
          run: ({ job }: FailureInput) => {
            const { promise, resolve, reject } = Promise.withResolvers<boolean>();
            const { id, locked_by, job_queue_id } = job;
            moves.push({
              job: id,
              async end(moved) {
                const claimed = [{ id, locked_by, job_queue_id }];
                if (moved)
                  await engine.takeInto({ claimed }, { sql: "select id from taken", values: [] });
                resolve(moved);
              },
              fail: reject,
            });
            return taken(promise, reason);
          },
        },
      })),
    ],
    worker: { concurrentJobs: 1 },
  });
  const errors = eventsOf(test.worker.events, "plugin:error");
  const add = (n: number) =>
    test.worker.addJob(task, { n }, { maxAttempts: reason ? 5 : 1, queueName: `q${n}` });
  const queues = () =>
    test.sql("select from graphile_worker._private_job_queues where locked_at is not null");
  return { ...test, moves, ran, errors, add, queues };
}

describe("taken, with a promise", () => {
  it("lets the slot go while the row is moved; its named queue stays locked until then", async () => {
    const { worker, moves, ran, add, jobs, queues } = await leaving();
    await add(1);
    await worker.start();
    await until(() => moves.length === 1, "the first is on its way");
    await add(2);
    await until(() => ran.length === 2, "the second ran");
    expect(await jobs()).toMatchObject([{ attempts: 1, locked_by: expect.any(String) }, {}]);
    await until(() => moves.length === 2, "the second is on its way");
    expect(await queues()).toHaveLength(2);
    for (const { end } of moves) await end(true);
    expect(await jobs()).toEqual([]);
    expect(await queues()).toEqual([]);
  });

  it("has a stop wait for the row", async () => {
    const { worker, moves, add, jobs } = await leaving();
    await add(1);
    await worker.start();
    await until(() => moves.length === 1, "it is on its way");
    let stopped = false;
    const stopping = worker.stop().then(() => {
      stopped = true;
    });
    await until(() => worker.jobsInProgress === 0, "the slot is free");
    expect(stopped).toBe(false);
    await moves[0]?.end(true);
    await stopping;
    expect(await jobs()).toEqual([]);
  });

  it.each<[string, (move: Move) => unknown, number]>([
    ["is not moved", ({ end }) => end(false), 0],
    ["cannot be moved", ({ fail }) => fail(new Error("away")), 1],
  ])("records the failure when the row %s", async (_, act, reported) => {
    const { worker, moves, errors, add, jobs, queues } = await leaving();
    await add(1);
    await worker.start();
    await until(() => moves.length === 1, "it is on its way");
    act(moves[0] as Move);
    await until(async () => (await jobs())[0]?.last_error === "no luck", "its failure is recorded");
    expect(await jobs()).toMatchObject([{ attempts: 1, max_attempts: 1, last_error: "no luck" }]);
    expect(await queues()).toEqual([]);
    expect(errors).toHaveLength(reported);
  });

  it("leaves no attempt, for the plugin's reason, to a job that it could not move", async () => {
    const { worker, moves, add, jobs } = await leaving({ reason: REASON });
    const { id } = (await add(1)) as { id: string };
    await worker.start();
    await until(() => moves.length === 1, "it is on its way");
    await moves[0]?.end(false);
    await until(async () => (await jobs())[0]?.last_error === "no luck", "its failure is recorded");
    expect(await jobs()).toMatchObject([{ attempts: 5, max_attempts: 5, last_error: "no luck" }]);
    expect(await worker.explain(id)).toMatchObject({ state: "failed", note: REASON });
  });

  it("does not wait for ever", async () => {
    const { worker, errors, add, jobs } = await leaving({ timeout: 50 });
    await add(1);
    await worker.start();
    await until(async () => (await jobs())[0]?.last_error === "no luck", "its failure is recorded");
    expect(errors).toMatchObject([
      { plugin: "mover", error: { message: expect.stringContaining("within 50 ms") } },
    ]);
  });
});
