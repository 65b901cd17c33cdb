import { EventEmitter } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JobHelpers, TaskList, WorkerEvents } from "graphile-worker";
import { describe, expect, it, onTestFinished } from "vitest";
import { type AfterRunInput, type AnyPlugin, defineTask, proceed } from "../../src/index.ts";
import { gate, plugin } from "../support/plugins.ts";
import { testWorker, until } from "../support/worker.ts";

/** Where the directory's task leaves itself: vitest would load another copy of its module. */
const SHOUT = Symbol.for("oppulence-test:shout");

/** A task directory with one task, `shout`, which upper-cases its payload. */
async function taskDirectory() {
  const folder = await mkdtemp(join(tmpdir(), "oppulence-tasks-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(
    join(folder, "shout.mjs"),
    `const shout = (payload) => payload.text.toUpperCase();
globalThis[Symbol.for("oppulence-test:shout")] = shout;
export default shout;`,
  );
  return folder;
}

/** A started worker with a plain task, a defined one and a task directory, and the list its engine has. */
async function mixed(plugins: readonly AnyPlugin[]) {
  const helpers: JobHelpers[] = [];
  const plain = (_: unknown, given: JobHelpers) => void helpers.push(given);
  const events = new EventEmitter() as WorkerEvents;
  let list: TaskList | undefined;
  events.on("worker:create", ({ tasks }) => {
    list = tasks;
  });
  const started = await testWorker({
    tasks: [defineTask({ identifier: "defined", run: () => {} })],
    taskList: { plain },
    plugins,
    worker: { events, taskDirectory: await taskDirectory() },
  });
  await started.worker.start();
  const shout = (globalThis as Record<symbol, unknown>)[SHOUT];
  return { ...started, plain, shout, helpers, list: list as TaskList | undefined };
}

describe("plain graphile-worker tasks", () => {
  it("are handed to the engine as they are where no hook applies to them", async () => {
    const { list, plain, shout, worker, helpers } = await mixed([
      plugin("picky", {
        beforeRun: gate(() => undefined, {
          appliesTo: ({ identifier }) => identifier === "defined",
        }),
        afterRun: { run: () => {}, appliesTo: () => false },
      }),
    ]);
    expect(Object.keys(list ?? {}).sort()).toEqual(["defined", "plain", "shout"]);
    expect(list?.plain).toBe(plain);
    expect(list?.shout).toBe(shout);
    await worker.addJob("plain", {});
    await until(() => helpers.length === 1, "the plain task ran");
  });

  it("run with the hooks that apply to them, and with graphile-worker's own helpers", async () => {
    const after: AfterRunInput[] = [];
    const granted: unknown[] = [];
    const { list, plain, shout, worker, helpers } = await mixed([
      plugin("p", {
        beforeRun: gate(({ task }) => {
          granted.push(task);
          return proceed({ context: 1 });
        }),
        afterRun: { run: (input) => void after.push(input) },
      }),
    ]);
    expect(list?.plain).not.toBe(plain);
    expect(list?.shout).not.toBe(shout);
    await worker.addJobs([
      { task: "plain", payload: [1] },
      { task: "shout", payload: { text: "hey" } },
    ]);
    await until(() => after.length === 2, "both tasks ran");
    expect(after.map(({ result }) => result).sort()).toEqual(["HEY", undefined]);
    expect(granted).toContainEqual({ identifier: "plain", options: {} });
    expect(helpers[0]?.job.payload).toEqual([1]);
    expect(typeof helpers[0]?.withPgClient).toBe("function");
    expect(typeof helpers[0]?.addJob).toBe("function");
  });

  it("can be added by name, beside defined ones; unknown ones cannot", async () => {
    const { worker } = await mixed([]);
    await expect(worker.addJob("shuot", {})).rejects.toMatchObject({
      code: "UNKNOWN_TASK",
      message: expect.stringContaining(
        'unknown task "shuot", did you mean "shout"?; known: defined, plain, shout.',
      ),
    });
  });
});
