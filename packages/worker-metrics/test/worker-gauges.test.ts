import { createWorker, defineTask } from "@oppulence/worker-core";
import { Registry } from "prom-client";
import { describe, expect, it, onTestFinished } from "vitest";
import { metrics } from "../src/index.ts";
import { readValue } from "./exposition.ts";
import { quiet } from "./logs.ts";
import { startWorker, TEST_OPTIONS } from "./start-worker.ts";

const HELD = { plugin: "test", code: "HELD", message: "held by a test" };

/** A task that runs until it is let go. */
const blocked = (identifier: string) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { task: defineTask({ identifier, run: () => promise }), letGo: resolve };
};

describe("worker_jobs_in_progress and worker_pool_utilization_ratio", () => {
  it("show how busy the worker is", async () => {
    const { task, letGo } = blocked("busy");
    const { worker, reaches } = await startWorker([task], { worker: { concurrentJobs: 4 } });
    await reaches("worker_jobs_in_progress", {}, 0);
    await worker.addJobs([1, 2, 3].map(() => ({ task, payload: {} })));
    await reaches("worker_jobs_in_progress", {}, 3);
    await reaches("worker_pool_utilization_ratio", {}, 0.75);
    letGo();
    await reaches("worker_jobs_in_progress", {}, 0);
    await reaches("worker_pool_utilization_ratio", {}, 0);
  });

  it("add workers up that share a registry, and counters as well", async () => {
    const { task, letGo } = blocked("busy");
    const registry = new Registry();
    const shared = { metrics: { registry, endpoint: false } };
    const first = await startWorker([task], { ...shared, worker: { concurrentJobs: 1 } });
    const second = await startWorker([task], {
      ...shared,
      worker: { concurrentJobs: 3 },
      database: first.database,
    });
    await second.worker.addJobs([1, 2].map(() => ({ task, payload: {} })));
    await first.reaches("worker_jobs_in_progress", {}, 2);
    expect(await first.value("worker_pool_utilization_ratio")).toBe(0.5);
    letGo();
    await first.reaches("worker_jobs_total", { task: "busy", outcome: "succeeded" }, 2);
    await second.worker.stop();
    await first.reaches("worker_pool_utilization_ratio", {}, 0);
  });
});

describe("worker_queue_depth", () => {
  it("shows every state, and nothing of what is gone", async () => {
    const { task, letGo } = blocked("known");
    const { worker, reaches, value } = await startWorker([task], { worker: { concurrentJobs: 1 } });
    const depth = (state: string, name = "known") =>
      ["worker_queue_depth", { task: name, state }] as const;
    await worker.addJob(task, {});
    await reaches(...depth("running"), 1);
    const hour = { runAt: new Date(Date.now() + 3_600_000) };
    const [, , failed, held] = await worker.addJobs([
      { task, payload: {} },
      { task, payload: {}, ...hour },
      { task, payload: {}, ...hour, maxAttempts: 1 },
      { task, payload: {}, ...hour },
    ]);
    await worker.engine.reschedule([failed?.status === "added" ? failed.id : ""], { attempts: 1 });
    await worker.engine.hold({ ids: [held?.status === "added" ? held.id : ""] }, undefined, HELD);
    for (const state of ["ready", "scheduled", "held", "running", "failed"])
      await reaches(...depth(state), 1);
    expect(await value("worker_queue_depth_exact")).toBe(1);
    await worker.engine.release("test");
    await worker.engine.remove([failed?.status === "added" ? failed.id : ""]);
    letGo();
    await reaches(...depth("running"), 0);
    await reaches(...depth("ready"), 0);
    expect(await value(...depth("held"))).toBe(0);
    expect(await value(...depth("failed"))).toBe(0);
    expect(await value(...depth("scheduled"))).toBe(2);
  });

  it("sums tasks up that this worker does not know, and forgets them once they are gone", async () => {
    const { task } = blocked("known");
    const { worker, reaches, value } = await startWorker([task]);
    await worker.query(
      "select graphile_worker.add_job('stranger ' || n) from generate_series(1, 50) as n",
    );
    await reaches("worker_queue_depth", { task: "other", state: "ready" }, 50);
    expect(
      await value("worker_queue_depth", { task: "stranger 1", state: "ready" }),
    ).toBeUndefined();
    const rows = await worker.engine.peek({ limit: 50 });
    await worker.engine.remove(rows.map(({ job }) => job.id));
    await worker.addJob(task, {}, { runAt: new Date(Date.now() + 3_600_000) });
    await reaches("worker_queue_depth", { task: "known", state: "scheduled" }, 1);
    expect(await value("worker_queue_depth", { task: "other", state: "ready" })).toBeUndefined();
  });

  it("says when it is an estimate", async () => {
    const { task } = blocked("known");
    const { worker, value } = await startWorker([task]);
    const runAt = new Date(Date.now() + 3_600_000);
    await worker.addJobs(Array.from({ length: 25_000 }, () => ({ task, payload: {}, runAt })));
    expect(await value("worker_queue_depth_exact")).toBe(0);
    const depth = await value("worker_queue_depth", { task: "known", state: "scheduled" });
    expect(depth).toBeGreaterThan(15_000);
    expect(depth).toBeLessThan(40_000);
  });

  it("is sampled no more often than depthInterval, and not at all when that is false", async () => {
    const { task } = blocked("known");
    const seldom = await startWorker([task], { metrics: { depthInterval: "1h" } });
    expect(await seldom.value("worker_queue_depth", { task: "known", state: "scheduled" })).toBe(0);
    const taken = await seldom.value("worker_queue_depth_timestamp_seconds");
    await seldom.worker.addJob(task, {}, { runAt: new Date(Date.now() + 3_600_000) });
    expect(await seldom.value("worker_queue_depth", { task: "known", state: "scheduled" })).toBe(0);
    expect(await seldom.value("worker_queue_depth_timestamp_seconds")).toBe(taken);
    const never = await startWorker([task], { metrics: { depthInterval: false } });
    expect(await never.api.text()).not.toContain("worker_queue_depth");
  });

  it("has no values once the worker has stopped", async () => {
    const { worker, value } = await startWorker([blocked("known").task]);
    expect(await value("worker_queue_depth_exact")).toBe(1);
    await worker.stop();
    expect(await value("worker_queue_depth_exact")).toBeUndefined();
    expect(await value("worker_jobs_in_progress")).toBe(0);
  });

  it("goes on after the plugin served a worker that has stopped", async () => {
    const plugin = metrics(TEST_OPTIONS);
    const first = await startWorker([blocked("known").task]);
    for (const round of [1, 2]) {
      const options = {
        connectionString: first.database.url,
        config: false,
        logger: quiet,
        handleSignals: false,
      } as const;
      const worker = createWorker({
        ...options,
        tasks: [defineTask({ identifier: "again", run: () => {} })],
        plugins: [plugin],
      });
      onTestFinished(() => worker.stop());
      await worker.start();
      expect(
        readValue(await worker.plugins.metrics.text(), "worker_queue_depth_exact"),
        `round ${round}`,
      ).toBe(1);
      await worker.stop();
    }
  });
});
