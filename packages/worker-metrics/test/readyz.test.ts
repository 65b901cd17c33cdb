import { definePlugin, defineTask, type Health } from "@oppulence/worker-core";
import { startPostgres } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startWorker } from "./start-worker.ts";

const task = defineTask({ identifier: "work", run: () => {} });

/** Answers as it is told. */
const moody = () => {
  let health: Health = { status: "ok" };
  const plugin = definePlugin({
    name: "moody",
    producers: "not-covered",
    setup: () => ({ health: () => health }),
  });
  return {
    plugin,
    set: (next: Health) => {
      health = next;
    },
  };
};

describe("/readyz", () => {
  // A server of its own takes long to start on a busy machine.
  it("goes to 503 while the database is down, and back to 200; /healthz stays, and jobs go on", {
    timeout: 90_000,
  }, async () => {
    const server = await startPostgres({ url: false });
    onTestFinished(() => server.stop());
    const { worker, url, reaches, value } = await startWorker([task], {
      database: await server.createDatabase(),
    });
    const status = async (path: string) => (await fetch(`${url()}${path}`)).status;
    expect(await status("/readyz")).toBe(200);
    expect(await value("worker_queue_depth_exact")).toBe(1);
    await worker.addJob(task, {});
    await reaches("worker_jobs_total", { task: "work", outcome: "succeeded" }, 1);
    await server.restart({
      mode: "immediate",
      async whileDown() {
        await vi.waitUntil(async () => (await status("/readyz")) === 503, { timeout: 20_000 });
        const { parts } = (await (await fetch(`${url()}/readyz`)).json()) as {
          parts: Record<string, Health>;
        };
        expect(parts).toMatchObject({ database: { status: "down" }, start: { status: "ok" } });
        expect(await status("/healthz")).toBe(200);
        // A scrape works without the database; what would come from there is left out.
        expect(await status("/metrics")).toBe(200);
        expect(await value("worker_queue_depth_exact")).toBeUndefined();
        expect(await value("worker_jobs_total", { task: "work", outcome: "failed" })).toBe(0);
      },
    });
    await vi.waitUntil(async () => (await status("/readyz")) === 200, { timeout: 20_000 });
    await vi.waitUntil(async () => (await value("worker_queue_depth_exact")) === 1, {
      timeout: 20_000,
    });
    await worker.addJob(task, {});
    await reaches("worker_jobs_total", { task: "work", outcome: "succeeded" }, 2);
  });

  it("asks the plugins: degraded is ready, down is not", async () => {
    const { plugin, set } = moody();
    const { url } = await startWorker([task], { plugins: [plugin] });
    const ready = async () => {
      const answer = await fetch(`${url()}/readyz`);
      return [
        answer.status,
        ((await answer.json()) as { parts: Record<string, Health> }).parts["moody"],
      ];
    };
    expect(await ready()).toEqual([200, { status: "ok" }]);
    set({ status: "degraded", detail: "slow" });
    expect(await ready()).toEqual([200, { status: "degraded", detail: "slow" }]);
    set({ status: "down", detail: "gone" });
    expect(await ready()).toEqual([503, { status: "down", detail: "gone" }]);
  });

  it("is 503 until every plugin has started", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen: number[] = [];
    const probing = definePlugin({
      name: "probing",
      producers: "not-covered",
      setup: (host) => ({
        async start() {
          const answer = await fetch(`${host.plugin("metrics")?.address()?.url}/readyz`);
          seen.push(answer.status);
          resolve();
        },
      }),
    });
    const { url } = await startWorker([task], { plugins: [probing] });
    await promise;
    expect(seen).toEqual([503]);
    expect((await fetch(`${url()}/readyz`)).status).toBe(200);
  });
});
