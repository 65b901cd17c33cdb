import { describe, expect, it } from "vitest";
import { definePlugin, defineTask, proceed } from "../../src/index.ts";
import { testWorker, until } from "../support/worker.ts";

/** A task that runs until it is told to end. */
function gatedTask() {
  const started: string[] = [];
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let aborted = 0;
  const task = defineTask({
    identifier: "gated",
    run: async (_payload, { job, signal }) => {
      started.push(job.id);
      signal.addEventListener("abort", () => aborted++);
      await gate;
    },
  });
  return { task, started, open: () => open(), aborted: () => aborted };
}

const permits = () => {
  const outcomes: string[] = [];
  const plugin = definePlugin({
    name: "permits",
    producers: "enforced-at-run",
    setup: () => ({
      beforeRun: {
        phase: "consume",
        onError: "closed",
        run: () =>
          proceed({
            permit: {
              commit: ({ kind }) => void outcomes.push(kind),
              rollback: () => void outcomes.push("rollback"),
            },
          }),
      },
    }),
  });
  return { plugin, outcomes };
};

const modes = [
  { mode: "one job at a time", worker: { concurrentJobs: 2 } },
  { mode: "local queue", worker: { concurrentJobs: 2, localQueue: { size: 10 } } },
] as const;

describe.each(modes)("worker.stop, $mode", ({ worker: engine }) => {
  it("waits for running jobs", async () => {
    const { task, started, open } = gatedTask();
    const { worker, jobs } = await testWorker({ tasks: [task], worker: engine });
    await worker.start();
    await worker.addJob(task, {});
    await until(() => started.length === 1, "the job runs");
    const stopped = worker.stop();
    open();
    await stopped;
    expect(await jobs()).toEqual([]);
  });

  it("gives running jobs back when the bound passes, at no cost, and ignores how they end", async () => {
    const { task, started, open, aborted } = gatedTask();
    const { plugin, outcomes } = permits();
    const { worker, jobs, sql } = await testWorker({
      tasks: [task],
      plugins: [plugin],
      worker: engine,
    });
    await worker.start();
    await worker.addJobs(
      [1, 2, 3, 4].map((n) => ({ task, payload: n, queueName: `q${n}`, maxAttempts: 1 })),
    );
    await until(() => started.length === 2, "two jobs run");
    await worker.stop({ timeout: 100 });
    const returned = await jobs();
    expect(returned).toHaveLength(4);
    for (const job of returned)
      expect(job).toMatchObject({ attempts: 0, locked_by: null, is_available: true });
    expect(
      await sql(
        "select queue_name from graphile_worker._private_job_queues where locked_by is not null",
      ),
    ).toEqual([]);
    expect(aborted()).toBe(2);
    expect(outcomes).toEqual(["interrupted", "interrupted"]);
    // The tasks end after all: their rows must survive it.
    open();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await jobs()).toHaveLength(4);
    expect(outcomes).toEqual(["interrupted", "interrupted"]);
  });

  it("tells whoever asks about the jobs that it gave back", async () => {
    const { task, started, open } = gatedTask();
    const { worker } = await testWorker({ tasks: [task], worker: engine });
    const interrupted: string[] = [];
    worker.events.on("job:interrupted", ({ job }) => interrupted.push(job.id));
    await worker.start();
    const { status, ...added } = await worker.addJob(task, {});
    await until(() => started.length === 1, "the job runs");
    await worker.stop({ timeout: 0 });
    expect(status).toBe("added");
    expect(interrupted).toEqual([(added as { id: string }).id]);
    open();
  });
});

describe("worker.stop, tasks that heed their signal", () => {
  const heeding = (how: "returns" | "throws", started: string[]) =>
    defineTask({
      identifier: "heeds",
      run: async (_payload, { job, signal }) => {
        started.push(job.id);
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        if (how === "throws") throw signal.reason;
      },
    });

  it.each(["returns", "throws"] as const)(
    "gives back a job whose task %s when the bound passes, with and without hooks",
    async (how) => {
      for (const plugins of [[], [permits().plugin]]) {
        const started: string[] = [];
        const task = heeding(how, started);
        const { worker, jobs } = await testWorker({ tasks: [task], plugins });
        await worker.start();
        await worker.addJob(task, {}, { maxAttempts: 1 });
        await until(() => started.length === 1, "the job runs");
        await worker.stop({ timeout: 50 });
        expect(await jobs()).toMatchObject([{ attempts: 0, last_error: null, locked_by: null }]);
      }
    },
  );

  it("spends no attempt on a task that throws because the engine aborted it before the bound", async () => {
    for (const plugins of [[], [permits().plugin]]) {
      const started: string[] = [];
      const task = heeding("throws", started);
      const { worker, jobs } = await testWorker({
        tasks: [task],
        plugins,
        worker: { gracefulShutdownAbortTimeout: 50 },
      });
      await worker.start();
      await worker.addJob(task, {}, { maxAttempts: 1 });
      await until(() => started.length === 1, "the job runs");
      await worker.stop({ timeout: 5_000 });
      expect(await jobs()).toMatchObject([{ attempts: 0, last_error: null, locked_by: null }]);
    }
  });
});

describe("worker.stop, plain tasks", () => {
  it("spends no attempt on one that throws because its signal was aborted", async () => {
    let started = 0;
    const { worker, jobs } = await testWorker({
      taskList: {
        plain: async (_payload, { abortSignal }) => {
          started++;
          await new Promise((resolve) => abortSignal?.addEventListener("abort", resolve));
          throw new Error("aborted");
        },
      },
      worker: { gracefulShutdownAbortTimeout: 50 },
    });
    await worker.start();
    await worker.addJob("plain", {}, { maxAttempts: 1 });
    await until(() => started === 1, "the job runs");
    await worker.stop({ timeout: 5_000 });
    expect(await jobs()).toMatchObject([{ attempts: 0, last_error: null, locked_by: null }]);
  });
});

describe("worker.stop", () => {
  it("stops plugins in reverse order, after the last job, and one that hangs does not hold up the others", async () => {
    const order: string[] = [];
    const plugin = <N extends string>(name: N, stop: () => void | Promise<void>) =>
      definePlugin({
        name,
        producers: "enforced-at-run",
        setup: () => ({ start: () => void order.push(`start ${name}`), stop }),
      });
    const task = defineTask({ identifier: "t", run: () => void order.push("ran") });
    const { worker, logs } = await testWorker({
      tasks: [task],
      plugins: [
        plugin("first", () => void order.push("stop first")),
        plugin("hangs", () => new Promise(() => {})),
        plugin("throws", () => {
          throw new Error("no");
        }),
        plugin("last", () => void order.push("stop last")),
      ],
    });
    await worker.start();
    await worker.addJob(task, {});
    await until(() => order.includes("ran"), "the job ran");
    await worker.stop({ timeout: 300 });
    expect(order).toEqual([
      "start first",
      "start hangs",
      "start throws",
      "start last",
      "ran",
      "stop last",
      "stop first",
    ]);
    const errors = logs.filter(({ level }) => level === "error").map(({ message }) => message);
    expect(errors).toEqual([
      "plugin throws did not stop: no",
      expect.stringContaining(
        "plugin hangs did not stop: plugin hangs, stop: did not settle within",
      ),
    ]);
  });

  it("is safe to call twice, and settles `finished`", async () => {
    const { worker } = await testWorker({
      tasks: [defineTask({ identifier: "t", run: () => {} })],
    });
    await worker.start();
    await Promise.all([worker.stop(), worker.stop()]);
    await worker.finished;
    await expect(worker.start()).rejects.toThrow("the worker was stopped");
  });

  it("stops what was started when a plugin cannot start", async () => {
    const order: string[] = [];
    const { worker } = await testWorker({
      tasks: [defineTask({ identifier: "t", run: () => {} })],
      plugins: [
        definePlugin({
          name: "a",
          producers: "enforced-at-run",
          setup: () => ({ stop: () => void order.push("stop a") }),
        }),
        definePlugin({
          name: "b",
          producers: "enforced-at-run",
          setup: () => ({
            start: () => {
              throw new Error("no socket");
            },
          }),
        }),
      ],
    });
    await expect(worker.start()).rejects.toThrow("no socket");
    expect(order).toEqual(["stop a"]);
  });
});
