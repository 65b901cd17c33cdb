import { EventEmitter } from "node:events";
import type { WorkerEvents } from "graphile-worker";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  defer,
  defineTask,
  fail,
  isJobFailedError,
  proceed,
  type RunInput,
  skip,
} from "../../src/index.ts";
import { eventsOf, nextEvent } from "../support/events.ts";
import { gate, plugin } from "../support/plugins.ts";
import { idOf } from "../support/results.ts";
import { testWorker, until } from "../support/worker.ts";

const reason = { code: "QUIET", message: "nothing runs before six" };
const note = "select plugin, code, message, kind, until, count from oppulence_worker.core_notes";

/** A task that counts its runs. */
function counted(identifier = "t") {
  const runs: unknown[] = [];
  return { runs, task: defineTask({ identifier, run: (payload) => void runs.push(payload) }) };
}

describe("beforeRun", () => {
  it("hands what plugins grant to the task, under their names", async () => {
    const seen: unknown[] = [];
    const task = defineTask({ identifier: "t", run: (_, { plugins }) => void seen.push(plugins) });
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [
        plugin("lock", { beforeRun: gate(() => proceed({ context: { lease: 7 } })) }),
        plugin("silent", { beforeRun: gate(() => undefined) }),
        plugin("empty", { beforeRun: gate(async () => proceed()) }),
        plugin("tenancy", { beforeRun: gate(async () => proceed({ context: "acme" })) }),
      ],
    });
    await worker.addJob(task, {});
    await worker.start();
    await until(async () => (await jobs()).length === 0, "the job is done");
    expect(seen).toEqual([{ lock: { lease: 7 }, tenancy: "acme" }]);
  });

  it("asks hooks by phase and place, and none after the one that stops the job", async () => {
    const asked: string[] = [];
    const ask = (name: string, more: object = {}) =>
      plugin(name, { beforeRun: gate(() => void asked.push(name), more) });
    const { task, runs } = counted();
    const { worker } = await testWorker({
      tasks: [task],
      plugins: [
        ask("consume", { phase: "consume" }),
        ask("second"),
        ask("first", { before: ["second"] }),
        plugin("stop", {
          beforeRun: gate(
            () => {
              asked.push("stop");
              return skip(reason);
            },
            { phase: "admit" },
          ),
        }),
        ask("gate"),
      ],
    });
    const skipped = nextEvent(worker.events, "job:skipped");
    await worker.addJob(task, {});
    await worker.start();
    await skipped;
    expect(asked).toEqual(["first", "second", "gate", "stop"]);
    expect(runs).toEqual([]);
  });

  it("shows hooks the schemas' output, the labels and the row", async () => {
    const task = defineTask({
      identifier: "t",
      payload: z.object({ n: z.string().transform(Number) }),
      run: () => {},
      ...{ breaker: { dependency: "smtp" } },
    });
    const schema = z.object({ dependency: z.string(), threshold: z.number().default(0.5) });
    const seen: RunInput[] = [];
    const { worker } = await testWorker({
      tasks: [task],
      plugins: [
        plugin(
          "see",
          {
            beforeRun: gate((input) => {
              seen.push(input);
              return skip(reason);
            }),
          },
          { taskOption: { key: "breaker", schema } },
        ),
      ],
    });
    const skipped = nextEvent(worker.events, "job:skipped");
    const added = await worker.addJob(task, { n: "5" }, { labels: { tenant: "acme" } });
    await worker.start();
    await skipped;
    expect(seen[0]?.payload).toEqual({ n: 5 });
    expect({ ...seen[0]?.labels }).toEqual({ tenant: "acme" });
    expect(seen[0]?.job).toMatchObject({ id: idOf(added), payload: { n: "5" } });
    expect(seen[0]?.task).toMatchObject({
      identifier: "t",
      options: { breaker: { dependency: "smtp", threshold: 0.5 } },
    });
  });

  it("asks a hook once for each task whether it applies, and then only for jobs of those", async () => {
    const asked: string[] = [];
    const [a, b] = [counted("a"), counted("b")];
    const { worker, jobs } = await testWorker({
      tasks: [a.task, b.task],
      plugins: [
        plugin("picky", {
          beforeRun: gate(({ task }) => void asked.push(`run ${task.identifier}`), {
            appliesTo: ({ identifier }) =>
              asked.push(`applies ${identifier}`) > 0 && identifier === "b",
          }),
        }),
      ],
    });
    await worker.addJobs([a.task, b.task, b.task].map((task) => ({ task, payload: {} })));
    await worker.start();
    await until(async () => (await jobs()).length === 0, "the jobs are done");
    expect(asked).toEqual(["applies a", "applies b", "run b", "run b"]);
  });
});

describe("beforeRun, defer", () => {
  it("sends the last attempt back at no cost, and calls it no failure anywhere", async () => {
    const engineEvents = new EventEmitter() as WorkerEvents;
    const failures: unknown[] = [];
    engineEvents.on("job:failed", (event) => failures.push(event));
    const { task, runs } = counted();
    const due = new Date(Date.now() + 3_600_000);
    const { worker, jobs, logs, sql } = await testWorker({
      tasks: [task],
      plugins: [plugin("quiet", { beforeRun: gate(() => defer(due, reason)) })],
      worker: { events: engineEvents },
    });
    const failed = [
      eventsOf(worker.events, "job:failed"),
      eventsOf(worker.events, "job:exhausted"),
    ];
    const deferred = nextEvent(worker.events, "job:deferred");
    await worker.addJob(task, {}, { maxAttempts: 1, queueName: "q" });
    await worker.start();
    const event = await deferred;
    expect(event).toMatchObject({ reason: { plugin: "quiet", ...reason }, until: due });
    await worker.stop();
    expect(await jobs()).toMatchObject([
      { attempts: 0, max_attempts: 1, run_at: due, locked_at: null, last_error: null },
    ]);
    expect(await sql(note)).toEqual([
      { plugin: "quiet", ...reason, kind: "deferred", until: due, count: 1 },
    ]);
    expect(await sql("select locked_at from graphile_worker._private_job_queues")).toEqual([
      { locked_at: null },
    ]);
    expect([failures, ...failed, runs]).toEqual([[], [], [], []]);
    expect(logs.filter(({ level }) => level === "error" || level === "warning")).toEqual([]);
  });

  it("brings the job back after a duration, as often as it is deferred", async () => {
    const attempts: number[] = [];
    const { worker, jobs, sql } = await testWorker({
      tasks: [
        defineTask({ identifier: "t", run: (_, { job }) => void attempts.push(job.attempts) }),
      ],
      plugins: [
        plugin("thrice", ({ query, schema }) => ({
          beforeRun: gate(async ({ job }) => {
            const [seen] = await query<{ count: number }>(
              `select count from ${schema}.core_notes where job_id = $1`,
              [job.id],
            );
            return seen?.count === 3 ? undefined : defer({ after: "20ms" }, reason);
          }),
        })),
      ],
    });
    const deferrals = eventsOf(worker.events, "job:deferred");
    await worker.start();
    await worker.addJob("t", {}, { maxAttempts: 1 });
    await until(async () => attempts.length > 0 && (await jobs()).length === 0, "the job is done");
    expect(deferrals).toHaveLength(3);
    expect(attempts).toEqual([1]);
    expect(await sql(note)).toMatchObject([{ count: 3 }]);
  });

  it("lets the next job of a named queue run meanwhile", async () => {
    const { task, runs } = counted();
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [
        plugin("hold", {
          beforeRun: gate(({ payload }) =>
            (payload as { wait: boolean }).wait ? defer({ after: "1h" }, reason) : undefined,
          ),
        }),
      ],
    });
    await worker.addJobs(
      [true, false].map((wait) => ({ task, payload: { wait }, queueName: "q" })),
    );
    await worker.start();
    await until(async () => (await jobs()).length === 1, "the second job is done");
    expect(runs).toEqual([{ wait: false }]);
  });
});

describe("beforeRun, skip and fail", () => {
  it("skips: the job completes without its task, and a note says why", async () => {
    const { task, runs } = counted();
    const { worker, jobs, sql, logs } = await testWorker({
      tasks: [task],
      plugins: [plugin("flags", { beforeRun: gate(() => skip(reason)) })],
    });
    const skipped = nextEvent(worker.events, "job:skipped");
    const added = await worker.addJob(task, {});
    await worker.start();
    expect((await skipped).reason).toEqual({ plugin: "flags", ...reason });
    await until(async () => (await jobs()).length === 0, "the row is gone");
    expect(runs).toEqual([]);
    expect(await sql(note)).toMatchObject([{ plugin: "flags", kind: "skipped", until: null }]);
    expect(logs.filter(({ level }) => level === "error")).toEqual([]);
    expect((await worker.explain(idOf(added))).summary).toBe(
      "skipped by flags: nothing runs before six",
    );
  });

  it("fails: no attempt is left, and the reason is the job's last error", async () => {
    const { task, runs } = counted();
    const cause = new Error("tenant deleted");
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [plugin("tenancy", { beforeRun: gate(() => fail(reason, cause)) })],
    });
    const exhausted = nextEvent(worker.events, "job:exhausted");
    await worker.addJob(task, {}, { maxAttempts: 5 });
    await worker.start();
    const { error, taken } = await exhausted;
    expect(isJobFailedError(error)).toBe(true);
    expect(error).toMatchObject({
      name: "JobFailedError",
      code: "JOB_FAILED",
      reason: { plugin: "tenancy", ...reason },
      cause,
    });
    expect(taken).toBe(false);
    await until(async () => (await jobs())[0]?.locked_at === null, "the failure is written");
    expect(await jobs()).toMatchObject([
      {
        attempts: 5,
        max_attempts: 5,
        last_error: "nothing runs before six (tenancy: QUIET)",
      },
    ]);
    expect(runs).toEqual([]);
  });
});
