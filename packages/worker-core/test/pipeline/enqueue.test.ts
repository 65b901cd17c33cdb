import { testDatabase } from "@oppulence/worker-testing/vitest";
import { describe, expect, it } from "vitest";
import { addLabels, continueWith, defineTask, drop } from "../../src/index.ts";
import { eventsOf } from "../support/events.ts";
import { entry, plugin } from "../support/plugins.ts";
import { errorOf, idOf } from "../support/results.ts";
import { testWorker } from "../support/worker.ts";

const task = defineTask({ identifier: "t", run: () => {} });

/** A worker that is never started: its jobs stay where they are. */
const producer = () => testWorker({ tasks: [task] });

const rows = `select jobs.id, payload, run_at, attempts, max_attempts, priority, key, flags, queue_name
from graphile_worker._private_jobs as jobs
left join graphile_worker._private_job_queues as queues on queues.id = job_queue_id order by jobs.id`;

describe("addJob", () => {
  it("adds a job with every option that graphile-worker has", async () => {
    const { worker, sql } = await producer();
    const runAt = new Date("2040-01-02T03:04:05.678Z");
    const result = await worker.addJob(
      task,
      { n: 1 },
      {
        queueName: "q",
        runAt,
        maxAttempts: 2,
        jobKey: "key",
        jobKeyMode: "preserve_run_at",
        priority: -5,
        labels: { tenant: "acme" },
        flags: ["fast"],
      },
    );
    expect(result).toEqual({ status: "added", id: expect.stringMatching(/^\d+$/) });
    expect(await sql(rows)).toEqual([
      {
        id: idOf(result),
        payload: { n: 1 },
        run_at: runAt,
        attempts: 0,
        max_attempts: 2,
        priority: -5,
        key: "key",
        flags: { fast: true, "tenant=acme": true },
        queue_name: "q",
      },
    ]);
  });

  it("takes the task's defaults, and what the producer passes over them", async () => {
    const mail = defineTask({
      identifier: "mail",
      spec: {
        queueName: "mail",
        maxAttempts: 3,
        priority: 7,
        labels: { team: "post", tier: "low" },
        flags: ["plain"],
      },
      run: () => {},
    });
    const { worker, sql } = await testWorker({ tasks: [mail] });
    await worker.addJob(mail, {});
    await worker.addJob(
      "mail",
      {},
      { queueName: "fast", maxAttempts: 9, priority: 0, labels: { tier: "high" }, flags: [] },
    );
    expect(await sql(rows)).toMatchObject([
      {
        queue_name: "mail",
        max_attempts: 3,
        priority: 7,
        flags: { "team=post": true, "tier=low": true, plain: true },
      },
      {
        queue_name: "fast",
        max_attempts: 9,
        priority: 0,
        flags: { "team=post": true, "tier=high": true },
      },
    ]);
    expect((await sql(rows))[1]?.flags).not.toHaveProperty("plain");
  });

  it("adds an empty object where there is no payload, and null where it is null", async () => {
    const { worker, jobs } = await producer();
    await worker.addJob(task, undefined);
    await worker.addJob(task, null);
    expect((await jobs()).map(({ payload }) => payload)).toEqual([{}, null]);
  });

  it.each(["replace", "preserve_run_at", "unsafe_dedupe"] as const)(
    "returns the id of the job that has the key already, in mode %s",
    async (jobKeyMode) => {
      const { worker, jobs } = await producer();
      const runAt = new Date("2040-01-01T00:00:00Z");
      const first = await worker.addJob(task, { n: 1 }, { jobKey: "k", runAt });
      const second = await worker.addJob(task, { n: 2 }, { jobKey: "k", jobKeyMode });
      const [job] = await jobs();
      expect(second).toEqual(
        jobKeyMode === "unsafe_dedupe"
          ? {
              status: "dropped",
              reason: {
                plugin: "core",
                code: "JOB_KEY_EXISTS",
                message: `job ${job?.id} has the key "k" already`,
              },
              existing: job?.id,
            }
          : first,
      );
      expect(idOf(first)).toBe(job?.id);
      expect(job?.payload).toEqual({ n: jobKeyMode === "unsafe_dedupe" ? 1 : 2 });
      expect(job?.run_at.getTime() === runAt.getTime()).toBe(jobKeyMode !== "replace");
    },
  );

  it("works before start, which it brings about: migrations and plugins, but no jobs", async () => {
    const log: string[] = [];
    const { worker, sql } = await testWorker(
      {
        tasks: [defineTask({ identifier: "t", run: () => void log.push("ran") })],
        plugins: [
          plugin("p", {
            start: async () => void log.push("started"),
            beforeEnqueue: entry(() => void log.push("asked")),
          }),
        ],
      },
      testDatabase(),
    );
    await Promise.all([worker.addJob("t", {}), worker.addJob("t", {})]);
    expect(log).toEqual(["started", "asked", "asked"]);
    expect(await sql("select plugin from oppulence_worker.core_migrations")).toEqual([
      { plugin: "core" },
    ]);
    expect(worker.jobsInProgress).toBe(0);
  });

  it("lets plugins add jobs while they start", async () => {
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [
        plugin("cron", ({ addJob, addJobs }) => ({
          start: async () => {
            await addJob(task, { n: 1 });
            await addJobs([{ task: "t", payload: { n: 2 } }]);
          },
        })),
      ],
    });
    await worker.addJob(task, { n: 3 });
    expect((await jobs()).map(({ payload }) => payload)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });
});

describe("addJobs", () => {
  it("returns each job's own id, in order, for any mix of tasks, options and keys", async () => {
    const { worker, jobs } = await testWorker({
      tasks: [task, defineTask({ identifier: "u", run: () => {} })],
    });
    const results = await worker.addJobs(
      Array.from({ length: 60 }, (_, n) => ({
        task: n % 3 === 0 ? "u" : task,
        payload: { n },
        queueName: n % 4 === 0 ? `q${n % 5}` : undefined,
        priority: n % 2,
        jobKey: n % 6 === 0 ? `k${n}` : undefined,
        jobKeyMode: n % 12 === 0 ? ("unsafe_dedupe" as const) : undefined,
        labels: n % 5 === 0 ? { n: `${n}` } : undefined,
      })),
    );
    const ids = results.map(idOf);
    expect(new Set(ids).size).toBe(60);
    const byId = new Map((await jobs()).map((job) => [job.id, job]));
    for (const [n, id] of ids.entries())
      expect(byId.get(id)).toMatchObject({
        payload: { n },
        task_identifier: n % 3 === 0 ? "u" : "t",
        priority: n % 2,
        key: n % 6 === 0 ? `k${n}` : null,
      });
  });

  it("adds nothing for an empty array, and asks no hook", async () => {
    let asked = 0;
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [plugin("p", { beforeEnqueue: entry(() => void asked++) })],
    });
    expect(await worker.addJobs([])).toEqual([]);
    expect(await jobs()).toEqual([]);
    expect(asked).toBe(0);
  });

  it("adds 5,000 jobs, and keeps the results in order around those that are dropped", async () => {
    const { worker, sql } = await testWorker({
      tasks: [task],
      plugins: [
        plugin("dedup", {
          beforeEnqueue: entry(({ spec }) => {
            const { n } = spec.payload as { n: number };
            return n % 10 === 3
              ? drop({ code: "DUPLICATE", message: `${n} is there already` }, `${n}`)
              : undefined;
          }),
        }),
      ],
    });
    const added = eventsOf(worker.events, "job:added");
    const dropped = eventsOf(worker.events, "job:dropped");
    const results = await worker.addJobs(
      Array.from({ length: 5_000 }, (_, n) => ({ task, payload: { n } })),
    );
    const stored = new Map(
      (await sql("select id, payload from graphile_worker._private_jobs")).map((row) => [
        row.id,
        (row.payload as { n: number }).n,
      ]),
    );
    expect(stored.size).toBe(4_500);
    for (const [n, result] of results.entries()) {
      if (n % 10 === 3) {
        expect(result).toEqual({
          status: "dropped",
          existing: `${n}`,
          reason: { plugin: "dedup", code: "DUPLICATE", message: `${n} is there already` },
        });
      } else expect(stored.get(idOf(result))).toBe(n);
    }
    expect([added.length, dropped.length]).toEqual([4_500, 500]);
    expect(dropped[0]?.spec.payload).toEqual({ n: 3 });
  });

  it("adds none when one job is wrong, and names it", async () => {
    const { worker, jobs } = await producer();
    const error = await errorOf(
      worker.addJobs([
        { task, payload: 1 },
        { task: "send_mail", payload: 2 },
      ]),
    );
    expect(error.message).toMatch(
      /^jobs\[1\]: unknown task "send_mail"; known: t\. Add the task to `tasks`/,
    );
    expect(await jobs()).toEqual([]);
  });

  it("refuses a key that occurs twice, also when a hook set it", async () => {
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [
        plugin("key", {
          beforeEnqueue: entry(({ spec }) =>
            spec.payload === "keyed" ? continueWith({ jobKey: "same" }) : undefined,
          ),
        }),
      ],
    });
    const twice = 'job key "same" occurs twice in one addJobs; a key may occur once';
    for (const payload of ["plain", "keyed"]) {
      const jobKey = payload === "plain" ? "same" : undefined;
      await expect(
        worker.addJobs([
          { task, payload, jobKey },
          { task, payload, jobKey },
        ]),
      ).rejects.toMatchObject({ code: "INVALID_JOB", message: expect.stringContaining(twice) });
    }
    expect(await jobs()).toEqual([]);
    await worker.addJob(task, "keyed");
    await worker.addJob(task, "keyed");
    expect(await jobs()).toHaveLength(1);
  });
});

describe("beforeEnqueue", () => {
  it("changes the job hook by hook, each seeing what those before it left", async () => {
    const seen: unknown[] = [];
    const { worker, sql } = await testWorker({
      tasks: [task],
      plugins: [
        plugin("shape", {
          beforeEnqueue: entry(
            ({ spec }) => {
              seen.push({ ...spec.labels }, spec.priority);
              return continueWith({ queueName: "shaped", payload: { wrapped: spec.payload } });
            },
            { phase: "shape" },
          ),
        }),
        plugin("identify", {
          beforeEnqueue: entry(async () => addLabels({ trace: "00-1" }), { phase: "identify" }),
        }),
        plugin("admit", {
          beforeEnqueue: entry(({ spec, task: info }) => {
            seen.push({ ...spec.labels }, info.identifier);
            return continueWith({ priority: 3, labels: { tenant: "other" }, maxAttempts: 4 });
          }),
        }),
      ],
    });
    const added = eventsOf(worker.events, "job:added");
    await worker.addJob(task, { n: 1 }, { labels: { tenant: "acme", tier: "low" } });
    expect(seen).toEqual([
      { tenant: "acme", tier: "low", trace: "00-1" },
      "t",
      { tenant: "other", tier: "low", trace: "00-1" },
      3,
    ]);
    expect(await sql(rows)).toMatchObject([
      {
        payload: { wrapped: { n: 1 } },
        queue_name: "shaped",
        priority: 3,
        max_attempts: 4,
        flags: { "tenant=other": true, "tier=low": true, "trace=00-1": true },
      },
    ]);
    expect(added[0]).toMatchObject({ id: "1", spec: { priority: 3, queueName: "shaped" } });
  });

  it("asks no later hook about a job that is dropped", async () => {
    const asked: string[] = [];
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [
        plugin("dedup", {
          beforeEnqueue: entry(async ({ spec }) =>
            spec.payload === 2 ? drop({ code: "X", message: "x" }) : undefined,
          ),
        }),
        plugin("later", {
          beforeEnqueue: entry(({ spec }) => void asked.push(`later ${spec.payload}`)),
        }),
      ],
    });
    const results = await worker.addJobs([1, 2, 3].map((payload) => ({ task, payload })));
    expect(results.map(({ status }) => status)).toEqual(["added", "dropped", "added"]);
    expect(asked).toEqual(["later 1", "later 3"]);
    expect(await worker.addJob(task, 2)).toEqual({
      status: "dropped",
      existing: undefined,
      reason: { plugin: "dedup", code: "X", message: "x" },
    });
    expect(await jobs()).toHaveLength(2);
  });

  it("refuses what a hook made of the job when it is out of range, and names the hook", async () => {
    const { worker, jobs } = await testWorker({
      tasks: [task],
      plugins: [plugin("shaper", { beforeEnqueue: entry(() => continueWith({ priority: 1e9 })) })],
    });
    await expect(worker.addJobs([{ task, payload: 1 }])).rejects.toMatchObject({
      code: "INVALID_JOB",
      message:
        "jobs[0]: plugin shaper, beforeEnqueue: priority got 1000000000; it is an integer from -32768 to 32767",
    });
    expect(await jobs()).toEqual([]);
  });
});
