import { describe, expect, it } from "vitest";
import { type AfterRunInput, defineTask, skip } from "../../src/index.ts";
import { eventsOf } from "../support/events.ts";
import { gate, plugin } from "../support/plugins.ts";
import { testWorker, until } from "../support/worker.ts";

const task = defineTask({ identifier: "t", run: async () => "result" });

describe("afterRun", () => {
  it("runs in reverse order, with the task's result, before the row is deleted", async () => {
    const seen: unknown[] = [];
    const watch = (name: string) =>
      plugin(name, ({ engine }) => ({
        afterRun: {
          run: async ({ job, result }) => {
            const state = (await engine.get(job.id))?.state;
            seen.push([name, result, state]);
          },
        },
      }));
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [watch("a"), watch("b"), watch("c")],
    });
    await worker.addJob(task, {});
    await worker.start();
    await until(async () => (await jobs()).length === 0, "the job is done");
    expect(seen).toEqual(["c", "b", "a"].map((name) => [name, "result", "running"]));
  });

  it("cannot fail a job, whatever it does, and the others are called all the same", async () => {
    const seen: string[] = [];
    const after = (name: string, run: (input: AfterRunInput) => unknown) =>
      plugin(name, { afterRun: { timeout: 50, run: run as never } });
    const { worker, jobs, logs } = await testWorker({
      tasks: [task],
      plugins: [
        after("last", () => void seen.push("last")),
        after("decides", () => ({ kind: "fail", reason: { code: "X", message: "x" } })),
        after("hangs", () => new Promise(() => {})),
        after("rejects", () => Promise.reject(new Error("rejected"))),
        after("throws", () => {
          throw new Error("thrown");
        }),
        after("first", async () => void seen.push("first")),
      ],
    });
    const errors = eventsOf(worker.events, "plugin:error");
    const succeeded = eventsOf(worker.events, "job:succeeded");
    await worker.addJob(task, {}, { maxAttempts: 1 });
    await worker.start();
    await until(async () => (await jobs()).length === 0, "the job is done");
    expect(seen).toEqual(["first", "last"]);
    expect(errors.map(({ plugin: name, hook }) => `${name} ${hook}`)).toEqual([
      "throws afterRun",
      "rejects afterRun",
      "hangs afterRun",
    ]);
    expect(succeeded).toHaveLength(1);
    expect(logs).not.toContainEqual({ level: "error", message: expect.stringContaining("Failed") });
  });

  it("is not asked about jobs that fail or are stopped, nor where it does not apply", async () => {
    const seen: string[] = [];
    const run = ({ task: { identifier } }: AfterRunInput) => void seen.push(identifier);
    const { worker, sql } = await testWorker({
      tasks: [
        task,
        defineTask({ identifier: "skipped", run: () => {} }),
        defineTask({
          identifier: "bad",
          run: () => {
            throw new Error("bad");
          },
        }),
        defineTask({ identifier: "other", run: () => {} }),
      ],
      plugins: [
        plugin("skipper", {
          beforeRun: gate(() => skip({ code: "X", message: "x" }), {
            appliesTo: ({ identifier }) => identifier === "skipped",
          }),
        }),
        plugin("watch", {
          afterRun: { run, appliesTo: ({ identifier }) => identifier !== "other" },
        }),
      ],
      worker: { concurrentJobs: 1 },
    });
    await worker.addJobs(
      ["skipped", "bad", "other", "t"].map((name) => ({ task: name, payload: {}, maxAttempts: 1 })),
    );
    await worker.start();
    const waiting = "select from graphile_worker.jobs where attempts = 0 or locked_at is not null";
    await until(async () => (await sql(waiting)).length === 0, "all jobs are done");
    expect(seen).toEqual(["t"]);
  });
});
