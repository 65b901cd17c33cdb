import { setImmediate as turn } from "node:timers/promises";
import { defineTask, type TaskContext } from "@oppulence/worker-core";
import { createFakeClock, recordingMeter } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { isJobTimeoutError, type RetryTaskOptions } from "../src/index.ts";
import { gate, startWorker } from "./start-worker.ts";

const reaches = (condition: () => boolean) =>
  vi.waitUntil(condition, { timeout: 20_000, interval: 5 });

/** A worker with one task that tells when it has started, on a fake clock. */
async function startTask(
  run: (context: TaskContext, payload: any) => unknown,
  retry: RetryTaskOptions = { timeout: "5m", backoff: ["1h"] },
) {
  const started = gate();
  const clock = createFakeClock(new Date());
  const meter = recordingMeter();
  const task = defineTask({
    identifier: "work",
    retry,
    run: (payload, context) => {
      started.open();
      return run(context, payload);
    },
  });
  const harness = await startWorker([task], { clock, plugins: [meter.plugin] });
  return {
    ...harness,
    api: harness.worker.plugins.retry,
    task,
    started,
    clock,
    meter,
  };
}

describe("retries' timeout", () => {
  it("fails an attempt although its task ignores the signal, and counts it as stuck until it ends", async () => {
    const end = gate();
    onTestFinished(end.open);
    const test = await startTask(() => end.opened);
    const { enqueue, task, started, clock, waitFor, meter, worker, logs, history, api } = test;
    const added = await enqueue(task, {});
    await started.opened;
    await clock.advance("4m 59s");
    expect(api.stuck()).toEqual([]);
    await clock.advance("1s");
    const { job } = await waitFor(added, "retrying");
    expect(job?.last_error).toBe('task "work" took longer than its timeout of 5m');
    expect(api.stuck()).toEqual([{ id: job?.id, task: "work", since: new Date(clock.now()) }]);
    expect(await meter.scrape("worker_job")).toMatchObject({
      "worker_job_timeouts_total{task=work}": 1,
      "worker_jobs_stuck{}": 1,
    });
    expect(meter.value("worker_retries_total{task=work}")).toBe(1);
    expect(await worker.health()).toMatchObject({ status: "degraded" });

    await clock.advance("1m");
    end.open();
    await reaches(() => api.stuck().length === 0);
    expect(meter.value("worker_jobs_stuck{}")).toBe(0);
    expect(logs).toContainEqual(
      expect.objectContaining({
        level: "warning",
        message: `task work of job ${job?.id} ended 1m after its timeout and returned; it should heed its signal`,
      }),
    );
    expect(history.map(({ name }) => name)).toEqual(["job:started", "job:failed"]);
    expect(clock.pending).toBe(0);
  });

  it("aborts the signal with the reason, and hears nothing of what a task then throws", async () => {
    const reason = Promise.withResolvers<unknown>();
    const test = await startTask(async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      reason.resolve(signal.reason);
      signal.throwIfAborted();
    });
    const { enqueue, task, started, clock, waitFor, logs, api } = test;
    const added = await enqueue(task, {});
    await started.opened;
    await clock.advance("5m");
    expect(isJobTimeoutError(await reason.promise)).toBe(true);
    await waitFor(added, "retrying");
    await reaches(() => api.stuck().length === 0);
    expect(logs.filter(({ level }) => level === "warning")).toEqual([]);
  });

  it("lets a task that ends in time be", async () => {
    const test = await startTask(() => turn("done"));
    const { enqueue, task, clock, waitFor, meter } = test;
    await waitFor(await enqueue(task, {}), "succeeded");
    expect(clock.pending).toBe(0);
    expect(meter.value("worker_job_timeouts_total{task=work}")).toBeUndefined();
  });

  it("lets a task fail in its own way", async () => {
    const test = await startTask(() => Promise.reject(new Error("boom")));
    const { enqueue, task, waitFor, clock } = test;
    const { job } = await waitFor(await enqueue(task, {}), "retrying");
    expect(job?.last_error).toBe("boom");
    expect(clock.pending).toBe(0);
  });

  it("waits for all entries of a batch, and has all of them tried again", async () => {
    const end = gate();
    onTestFinished(end.open);
    const test = await startTask((_, payload: unknown[]) =>
      payload.map((entry) => (entry === "slow" ? end.opened : Promise.resolve())),
    );
    const { enqueue, task, started, clock, waitFor, api } = test;
    const added = await enqueue(task, ["quick", "slow"]);
    await started.opened;
    await reaches(() => clock.pending === 1);
    await clock.advance("5m");
    const { job } = await waitFor(added, "retrying");
    expect(job?.payload).toEqual(["quick", "slow"]);
    expect(api.stuck()).toHaveLength(1);
  });

  it("is off with false, whatever the default is", async () => {
    const task = defineTask({ identifier: "work", retry: { timeout: false }, run: () => turn() });
    const clock = createFakeClock(new Date());
    const set = vi.spyOn(clock, "setTimeout");
    const { enqueue, waitFor } = await startWorker([task], { clock, retry: { timeout: "1s" } });
    await waitFor(await enqueue(task, {}), "succeeded");
    expect(set).not.toHaveBeenCalled();
  });

  it("holds for plain graphile-worker tasks, too", async () => {
    const end = gate();
    onTestFinished(end.open);
    const started = gate();
    const clock = createFakeClock(new Date());
    const { enqueue, waitFor, worker } = await startWorker([], {
      clock,
      retry: { timeout: "1m", backoff: ["1h"] },
      taskList: {
        plain: () => {
          started.open();
          return end.opened;
        },
      },
    });
    const added = await enqueue("plain", {});
    await started.opened;
    await clock.advance("1m");
    await waitFor(added, "retrying");
    expect(worker.plugins.retry.stuck()).toHaveLength(1);
  });

  it("leaves the stop of a worker alone: a job that a stop interrupts costs no attempt", async () => {
    const test = await startTask(
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    const { enqueue, task, started, worker, pool, sql, meter } = test;
    const { id } = (await enqueue(task, {})) as { id: string };
    await started.opened;
    await worker.stop({ timeout: 0 });
    expect(pool.ended).toBe(false);
    const rows = await sql("select attempts, locked_by from graphile_worker.jobs where id = $1", [
      id,
    ]);
    expect(rows).toEqual([{ attempts: 0, locked_by: null }]);
    expect(meter.value("worker_retries_total{task=work}")).toBeUndefined();
  });
});
