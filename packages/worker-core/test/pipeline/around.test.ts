import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Around, defineTask, proceed } from "../../src/index.ts";
import { runAround } from "../../src/pipeline/around.ts";
import type { HookReport } from "../../src/pipeline/hook.ts";
import { gate, plugin } from "../support/plugins.ts";
import { errorOf } from "../support/results.ts";
import { testWorker, until } from "../support/worker.ts";

/** Runs a task inside wrappers named a, b, …; tells what was reported. */
function run(task: () => unknown, ...wrappers: Around[]) {
  const reported: string[] = [];
  const report: HookReport = {
    duration: undefined,
    failed: (name, hook, error) =>
      void reported.push(`${name} ${hook}: ${(error as Error).message}`),
  };
  const named = wrappers.map((around, index) => ({ plugin: "abc"[index] as string, around }));
  return { result: () => runAround(named, task, report), reported };
}

const through: Around = (next) => next();

describe("around", () => {
  it("nests in the order of the grants, the first outermost", async () => {
    const log: string[] = [];
    const wrap =
      (name: string): Around =>
      async (next) => {
        log.push(`${name} in`);
        const result = await next();
        log.push(`${name} out`);
        return result;
      };
    const { result, reported } = run(() => log.push("task") && "done", wrap("a"), wrap("b"));
    expect(await result()).toBe("done");
    expect(log).toEqual(["a in", "b in", "task", "b out", "a out"]);
    expect(reported).toEqual([]);
  });

  it("stays synchronous where wrappers and task are", () => {
    const { result } = run(() => 42, through, through);
    expect(result()).toBe(42);
  });

  it("passes the task's error through, thrown or rejected, as it is", async () => {
    const error = new Error("task");
    const thrown = run(
      () => {
        throw error;
      },
      through,
      async (next) => next(),
    );
    expect(await errorOf(Promise.resolve(thrown.result()))).toBe(error);
    const rejected = run(
      () => Promise.reject(error),
      through,
      async (next) => await next(),
    );
    expect(await errorOf(Promise.resolve(rejected.result()))).toBe(error);
    expect([...thrown.reported, ...rejected.reported]).toEqual([]);
  });

  it("runs the task once when next is called twice, and reports it", async () => {
    let runs = 0;
    const { result, reported } = run(
      async () => ++runs,
      async (next) => [await next(), await next()],
    );
    expect(await result()).toEqual([1, 1]);
    expect(runs).toBe(1);
    expect(reported).toEqual([
      "a around: plugin a, around: called next more than once; the task ran once",
    ]);
  });

  it.each<[string, Around]>([
    ["forgets to call next", () => "forgot"],
    ["forgets to call next, later", async () => "forgot"],
  ])("runs the task when a wrapper %s, and reports it", async (_, around) => {
    const { result, reported } = run(() => "done", around);
    expect(await result()).toBe("done");
    expect(reported).toEqual(["a around: plugin a, around: returned without calling next"]);
  });

  it.each<[string, Around]>([
    [
      "throws",
      () => {
        throw new Error("no span");
      },
    ],
    [
      "rejects",
      async () => {
        throw new Error("no span");
      },
    ],
  ])("runs the task without a wrapper that %s before it called next", async (_, around) => {
    const { result, reported } = run(() => "done", around, through);
    expect(await result()).toBe("done");
    expect(reported).toEqual(["a around: no span"]);
  });

  it("fails the job when a wrapper fails after the task, as a commit may", async () => {
    const { result, reported } = run(
      () => "done",
      async (next) => {
        await next();
        throw new Error("could not commit");
      },
    );
    expect(await errorOf(Promise.resolve(result()))).toMatchObject({ message: "could not commit" });
    expect(reported).toEqual([]);
  });

  // A job whose wrapper did not wait was completed while its task still ran, and its failure was lost.
  it.each<[string, Around]>([
    ["at once", (next) => void next()],
    ["later", async (next) => void next()],
  ])("waits for the task where a wrapper returns %s without waiting", async (_, around) => {
    let finish = (_: string) => {};
    const { result, reported } = run(
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
      around,
    );
    const ended = Promise.resolve(result());
    setImmediate(() => finish("done"));
    expect(await ended).toBe("done");
    expect(reported).toEqual(["a around: plugin a, around: did not wait for next"]);
  });

  it.each<[string, Around, string]>([
    ["does not wait", async (next) => void next(), "kept the task's error to itself"],
    ["does not wait, at once", (next) => void next(), "did not wait for next"],
    [
      "catches it",
      async (next) => {
        try {
          return await next();
        } catch {
          return "fine";
        }
      },
      "kept the task's error to itself",
    ],
  ])("fails the job although a wrapper %s", async (_, around, problem) => {
    const { result, reported } = run(() => Promise.reject(new Error("task")), around);
    expect(await errorOf(Promise.resolve(result()))).toMatchObject({ message: "task" });
    expect(reported).toEqual([`a around: plugin a, around: ${problem}`]);
  });

  it("puts a worker's tasks inside an AsyncLocalStorage", async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const { worker } = await testWorker({
      tasks: [
        defineTask({
          identifier: "t",
          run: async (_, { query }) => {
            await query("select 1");
            seen.push(storage.getStore());
          },
        }),
      ],
      taskList: { plain: () => void seen.push(storage.getStore()) },
      plugins: [
        plugin("trace", {
          beforeRun: gate(({ job }) =>
            proceed({ around: (next) => storage.run(`trace ${job.task_identifier}`, next) }),
          ),
        }),
      ],
    });
    onTestFinished(() => storage.disable());
    await worker.start();
    await worker.addJobs([
      { task: "t", payload: {} },
      { task: "plain", payload: {} },
    ]);
    await until(() => seen.length === 2, "both tasks ran");
    expect(seen.sort()).toEqual(["trace plain", "trace t"]);
  });
});
