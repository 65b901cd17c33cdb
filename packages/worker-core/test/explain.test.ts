import { describe, expect, it } from "vitest";
import {
  defer,
  defineTask,
  type ExplainInput,
  type Explanation,
  exhaust,
  skip,
} from "../src/index.ts";
import { nextEvent } from "./support/events.ts";
import { gate, plugin } from "./support/plugins.ts";
import { errorOf, idOf } from "./support/results.ts";
import { testWorker, until } from "./support/worker.ts";

const reason = { code: "PAUSED", message: "tenant acme is paused" };
const future = new Date("2040-01-01T00:00:00.000Z");
const iso = future.toISOString();
const task = defineTask({
  identifier: "t",
  run: async (payload, { signal }) => {
    if (payload === "fail") throw new Error("no luck");
    if (payload === "wait")
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
  },
});

/** A plugin whose `explain` says something. */
const explaining = (name: string, explain: (input: ExplainInput) => unknown) =>
  plugin(name, { explain: explain as () => Explanation });

describe("explain", () => {
  it("says of a ready job that it runs as soon as there is room, and what else it needs", async () => {
    const { worker, sql } = await testWorker({ tasks: [task], taskList: { plain: () => {} } });
    const free = idOf(await worker.addJob(task, {}));
    const queued = idOf(await worker.addJob(task, {}, { queueName: "q" }));
    const plain = idOf(await worker.addJob("plain", {}));
    await sql("select graphile_worker.add_job('foreign')");
    const foreign = String(Number(plain) + 1);
    expect(await worker.explain(free)).toMatchObject({
      id: free,
      state: "ready",
      summary: "ready: it runs as soon as a worker has room",
      job: { id: free, task_identifier: "t", queue_name: null },
      note: undefined,
      plugins: [],
      until: (await worker.engine.get(free))?.job.run_at,
    });
    const summaries = [];
    for (const id of [queued, plain, foreign]) summaries.push((await worker.explain(id)).summary);
    expect(summaries).toEqual([
      'ready: it runs as soon as a worker has room and queue "q" is free',
      "ready: it runs as soon as a worker has room",
      'ready, but this worker has no task "foreign"',
    ]);
  });

  it("says of a scheduled job when it is due, and of a held one who holds it", async () => {
    const { worker } = await testWorker({ tasks: [task] });
    const scheduled = idOf(await worker.addJob(task, {}, { runAt: future }));
    const held = idOf(await worker.addJob(task, {}));
    await worker.engine.hold({ ids: [held] }, future, { plugin: "tenancy", ...reason });
    expect(await worker.explain(scheduled)).toMatchObject({
      state: "scheduled",
      summary: `scheduled for ${iso}`,
      until: future,
    });
    expect(await worker.explain(held)).toMatchObject({
      state: "held",
      summary: "held by tenancy: tenant acme is paused",
      note: { plugin: "tenancy", kind: "held", ...reason },
      until: future,
    });
    const endless = idOf(await worker.addJob(task, {}));
    await worker.engine.hold({ ids: [endless] }, undefined, { plugin: "tenancy", ...reason });
    expect(await worker.explain(endless)).toMatchObject({ state: "held", until: undefined });
  });

  it("says of a deferred job who deferred it and until when, until it is rescheduled", async () => {
    const { worker } = await testWorker({
      tasks: [task],
      plugins: [plugin("tenancy", { beforeRun: gate(() => defer(future, reason)) })],
    });
    const deferred = nextEvent(worker.events, "job:deferred");
    const id = idOf(await worker.addJob(task, {}));
    await worker.start();
    await deferred;
    expect(await worker.explain(id)).toMatchObject({
      state: "scheduled",
      summary: `deferred by tenancy until ${iso}: tenant acme is paused`,
      note: { plugin: "tenancy", kind: "deferred", until: future, count: 1, ...reason },
      until: future,
    });
    const later = new Date(future.getTime() + 1);
    await worker.engine.reschedule([id], { runAt: later });
    expect((await worker.explain(id)).summary).toBe(`scheduled for ${later.toISOString()}`);
  });

  it("says of a running job where, of a failed one why, of one between attempts when", async () => {
    const { worker, jobs } = await testWorker({ tasks: [task], worker: { concurrentJobs: 3 } });
    await worker.start();
    const add = async (payload: string, maxAttempts: number) =>
      idOf(await worker.addJob(task, payload, { maxAttempts }));
    const [running, failed, between] = [
      await add("wait", 1),
      await add("fail", 1),
      await add("fail", 2),
    ];
    const isWritten = async (id: string | undefined) =>
      (await jobs()).some((job) => job.id === id && job.last_error !== null);
    await until(async () => (await isWritten(failed)) && isWritten(between), "both failed");
    const runningNow = await worker.explain(running);
    expect(runningNow).toMatchObject({ state: "running", until: undefined });
    expect(runningNow.summary).toBe(
      `running in pool ${runningNow.job?.locked_by}, since ${runningNow.job?.locked_at?.toISOString()}`,
    );
    expect(await worker.explain(failed)).toMatchObject({
      state: "failed",
      summary: "failed for good after 1 of 1 attempts: no luck",
      until: undefined,
    });
    const scheduled = await worker.explain(between);
    expect(scheduled.summary).toBe(
      `waits for attempt 2 at ${scheduled.job?.run_at.toISOString()}, after: no luck`,
    );
    await worker.stop({ timeout: 0 });
  });

  it("says of a job that is gone whether a plugin skipped it", async () => {
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [plugin("flags", { beforeRun: gate(() => skip(reason)) })],
    });
    const id = idOf(await worker.addJob(task, {}));
    await worker.start();
    await until(async () => (await jobs()).length === 0, "the job is done");
    expect(await worker.explain(id)).toMatchObject({
      state: "gone",
      summary: "skipped by flags: tenant acme is paused",
      job: undefined,
      note: { kind: "skipped" },
    });
    expect(await worker.explain("9223372036854775807")).toEqual({
      id: "9223372036854775807",
      state: "gone",
      summary: "not in the queue: completed, removed, or never added",
      job: undefined,
      note: undefined,
      plugins: [],
      until: undefined,
    });
  });

  it("refuses what cannot be an id", async () => {
    const { worker } = await testWorker({ tasks: [task] });
    for (const id of ["", "-1", "1.5", "x", "9223372036854775808", "99999999999999999999"]) {
      const error = await errorOf(worker.explain(id));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toBe(`explain got the job id "${id}"; an id is a whole number`);
    }
  });

  it("asks every plugin, and puts those that block first", async () => {
    const seen: ExplainInput[] = [];
    const told = (code: string, more: object = {}) => ({
      code,
      message: `because of ${code}`,
      blocking: false,
      ...more,
    });
    const { worker } = await testWorker({
      tasks: [task],
      taskList: { plain: () => {} },
      plugins: [
        explaining("fine", async (input) => void seen.push(input)),
        explaining("null", () => null),
        explaining("told", () => told("SLOW")),
        explaining("blocks", async () => told("LIMIT", { blocking: true, until: future })),
        explaining("throws", () => {
          throw new Error("no store");
        }),
        explaining("rejects", () => Promise.reject(new Error("gone"))),
        explaining("earlier", () => told("BUSY", { blocking: true, until: new Date(0) })),
      ],
    });
    const id = idOf(await worker.addJob(task, {}, { labels: { tenant: "acme" } }));
    const explanation = await worker.explain(id);
    expect(explanation.summary).toBe("held back by blocks: because of LIMIT");
    expect(explanation.until).toEqual(future);
    expect(explanation.plugins).toEqual([
      { plugin: "blocks", ...told("LIMIT", { blocking: true, until: future }) },
      { plugin: "earlier", ...told("BUSY", { blocking: true, until: new Date(0) }) },
      { plugin: "told", ...told("SLOW") },
      { plugin: "throws", code: "EXPLAIN_FAILED", message: "no store", blocking: false },
      { plugin: "rejects", code: "EXPLAIN_FAILED", message: "gone", blocking: false },
    ]);
    expect(seen[0]).toMatchObject({
      job: { id },
      labels: { tenant: "acme" },
      task: { identifier: "t" },
    });
    await worker.explain(idOf(await worker.addJob("plain", {})));
    expect(seen[1]?.task).toMatchObject({ identifier: "plain", options: {} });
  });

  it("says of a job that a plugin left no further attempt who did, and why", async () => {
    const fatal = { code: "NOT_RETRYABLE", message: "the card was refused" };
    const { worker } = await testWorker({
      tasks: [task],
      plugins: [plugin("retry", { onFailure: { run: () => exhaust(fatal) } })],
    });
    const exhausted = nextEvent(worker.events, "job:exhausted");
    const id = idOf(await worker.addJob(task, "fail"));
    await worker.start();
    await exhausted;
    await until(
      async () => (await worker.explain(id)).state === "failed",
      "the failure is written",
    );
    expect(await worker.explain(id)).toMatchObject({
      summary: "failed for good, retry left it no further attempt (the card was refused): no luck",
      note: { plugin: "retry", kind: "exhausted", ...fatal },
    });
  });

  it("does not take a block for the reason of a job that failed for good", async () => {
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [explaining("p", () => ({ code: "X", message: "x", blocking: true }))],
    });
    const id = idOf(await worker.addJob(task, "fail", { maxAttempts: 1 }));
    await worker.start();
    await until(async () => (await jobs())[0]?.last_error === "no luck", "the job failed");
    expect((await worker.explain(id)).summary).toContain("failed for good");
  });

  it("waits two seconds at most for a plugin", async () => {
    const { worker } = await testWorker({
      tasks: [task],
      plugins: [explaining("hangs", () => new Promise(() => {}))],
    });
    const id = idOf(await worker.addJob(task, {}));
    expect((await worker.explain(id)).plugins).toEqual([
      {
        plugin: "hangs",
        code: "EXPLAIN_FAILED",
        message: "plugin hangs, explain: did not settle within 2000 ms",
        blocking: false,
      },
    ]);
  });
});
