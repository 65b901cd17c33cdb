import { defer, definePlugin, defineTask, drop, fail, retry, skip } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { OUTCOMES } from "../src/job-metrics.ts";
import { parseExposition } from "./exposition.ts";
import { startWorker } from "./start-worker.ts";

/** Does to each job what its payload says. */
const obedient = () => {
  const deferred = new Set<string>();
  return definePlugin({
    name: "obedient",
    producers: "enforced-at-run",
    setup: () => ({
      beforeEnqueue: {
        phase: "admit",
        onError: "open",
        run: ({ spec }) =>
          (spec.payload as { what: string }).what === "drop"
            ? drop({ code: "D", message: "dropped" })
            : undefined,
      },
      beforeRun: {
        phase: "gate",
        onError: "open",
        run: ({ payload, job }) => {
          const { what } = payload as { what: string };
          if (what === "skip") return skip({ code: "S", message: "skipped" });
          if (what === "give up") return fail({ code: "F", message: "failed for good" });
          if (what === "throw in a hook") throw new Error("in a hook");
          if (what !== "defer" || deferred.has(job.id)) return undefined;
          deferred.add(job.id);
          return defer({ after: 20 }, { code: "L", message: "later" });
        },
      },
      onFailure: { run: () => retry({ after: 1 }) },
    }),
  });
};

const work = defineTask({
  identifier: "work",
  payload: z.object({ what: z.string() }),
  run: ({ what }, { job }) => {
    if (what === "fail once" && job.attempts === 1) throw new Error("once");
    if (what === "fail twice") throw new Error("always");
  },
});

const total = (outcome: string) => ({ task: "work", outcome });

describe("job metrics", () => {
  it("count every outcome of a known set of jobs", async () => {
    const { worker, value, reaches, api } = await startWorker([work], { plugins: [obedient()] });
    await worker.addJobs(
      [
        "succeed",
        "succeed",
        "fail once",
        "give up",
        "defer",
        "skip",
        "drop",
        "throw in a hook",
      ].map((what) => ({
        task: work,
        payload: { what },
      })),
    );
    await worker.addJob(work, { what: "fail twice" }, { maxAttempts: 2 });
    await reaches("worker_jobs_total", total("succeeded"), 5);
    await reaches("worker_jobs_total", total("exhausted"), 2);
    const counted = await Promise.all(
      OUTCOMES.map((outcome) => value("worker_jobs_total", total(outcome))),
    );
    expect(Object.fromEntries(OUTCOMES.map((outcome, index) => [outcome, counted[index]]))).toEqual(
      {
        // succeed, succeed, fail once, defer, throw in a hook
        succeeded: 5,
        // fail once, fail twice
        failed: 2,
        // give up, fail twice
        exhausted: 2,
        deferred: 1,
        skipped: 1,
        dropped: 1,
      },
    );
    const task = { task: "work" };
    expect(await value("worker_jobs_added_total", task)).toBe(8);
    // Attempts that ran, or were to: all but the deferred and the skipped one.
    expect(await value("worker_job_duration_seconds_count", task)).toBe(9);
    expect(await value("worker_job_duration_seconds_sum", task)).toBeGreaterThan(0);
    // Every claim.
    expect(await value("worker_job_wait_seconds_count", task)).toBe(11);
    expect(
      await value("worker_plugin_errors_total", { plugin: "obedient", hook: "beforeRun" }),
    ).toBe(1);
    const hooks = { plugin: "obedient", hook: "beforeRun" };
    expect(await value("worker_plugin_hook_duration_seconds_count", hooks)).toBe(11);
    expect([...parseExposition(await api.text()).keys()]).toEqual([
      "worker_metrics_overflow_total",
      "worker_plugin_errors_total",
      "worker_plugin_hook_duration_seconds",
      "worker_jobs_total",
      "worker_jobs_added_total",
      "worker_job_duration_seconds",
      "worker_job_wait_seconds",
      "worker_jobs_in_progress",
      "worker_pool_utilization_ratio",
      "worker_queue_depth",
      "worker_queue_depth_exact",
      "worker_queue_depth_timestamp_seconds",
    ]);
  });

  it("count a payload that its schema refuses as exhausted", async () => {
    const { worker, reaches } = await startWorker([work]);
    await worker.query("select graphile_worker.add_job('work', '{\"what\": 1}')");
    await reaches("worker_jobs_total", total("exhausted"), 1);
  });

  it("count jobs that SQL added, and those of plain tasks", async () => {
    const { worker, reaches, value } = await startWorker([work], { taskList: { plain: () => {} } });
    await worker.query("select graphile_worker.add_job('work', '{\"what\": \"succeed\"}')");
    await worker.query("select graphile_worker.add_job('plain')");
    await reaches("worker_jobs_total", total("succeeded"), 1);
    await reaches("worker_jobs_total", { task: "plain", outcome: "succeeded" }, 1);
    expect(await value("worker_jobs_added_total", { task: "work" })).toBe(0);
  });

  it("show zeros for known tasks before their first job", async () => {
    const { value } = await startWorker([work]);
    expect(await value("worker_jobs_total", total("failed"))).toBe(0);
  });

  it("leave tasks unwrapped", async () => {
    const { worker } = await startWorker([work]);
    const { beforeEnqueue, beforeRun, afterRun, onFailure } = worker.composition;
    expect([beforeEnqueue, beforeRun, afterRun, onFailure]).toEqual([[], [], [], []]);
  });

  it("measure the wait from when a job was due, on the database's clock", async () => {
    const { worker, reaches, value } = await startWorker([work], { worker: { concurrentJobs: 1 } });
    await worker.query(
      "select graphile_worker.add_job('work', '{\"what\": \"succeed\"}', run_at := now() - interval '1 hour')",
    );
    await reaches("worker_jobs_total", total("succeeded"), 1);
    const sum = await value("worker_job_wait_seconds_sum", { task: "work" });
    expect(sum).toBeGreaterThanOrEqual(3_600);
    expect(sum).toBeLessThan(3_660);
    expect(await value("worker_job_wait_seconds_bucket", { task: "work", le: "1800" })).toBe(0);
    expect(await value("worker_job_wait_seconds_bucket", { task: "work", le: "21600" })).toBe(1);
  });

  it("measure the time in the local queue as part of the wait", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow = defineTask({ identifier: "slow", run: () => promise });
    const { worker, reaches, value } = await startWorker([slow], {
      worker: { concurrentJobs: 1, localQueue: { size: 10 } },
    });
    await worker.addJobs([1, 2].map(() => ({ task: slow, payload: {} })));
    await reaches("worker_job_wait_seconds_count", { task: "slow" }, 1);
    // Both are claimed; the second one waits in this process. The time that passes is what is measured.
    await reaches("worker_queue_depth", { task: "slow", state: "running" }, 2);
    await worker.query("select pg_sleep(0.3)");
    resolve();
    await reaches("worker_job_wait_seconds_count", { task: "slow" }, 2);
    expect(await value("worker_job_wait_seconds_sum", { task: "slow" })).toBeGreaterThanOrEqual(
      0.3,
    );
  });

  it("bound the labels of tasks", async () => {
    const tasks = ["a", "b", "c", "d"].map((identifier) =>
      defineTask({ identifier, run: () => {} }),
    );
    const { worker, reaches, lines, value } = await startWorker(tasks, {
      metrics: { maxTaskLabels: 2 },
    });
    await worker.addJobs(tasks.map((task) => ({ task, payload: {} })));
    await reaches("worker_jobs_total", { task: "other", outcome: "succeeded" }, 2);
    await reaches("worker_jobs_total", { task: "a", outcome: "succeeded" }, 1);
    expect(await value("worker_jobs_total", { task: "c", outcome: "succeeded" })).toBeUndefined();
    expect(
      lines.filter(({ message }) => message.includes("2 tasks have a label of their own")),
    ).toHaveLength(1);
  });
});
