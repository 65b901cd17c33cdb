import { defineTask } from "@oppulence/worker-core";
import { describe, expect, it, vi } from "vitest";
import { start } from "./start.ts";

const many = (count: number) => Array.from({ length: count }, (_, n) => n);

describe("a crowd under three limiters at once", () => {
  it("runs to the last job, each fetched about twice, within all three", async () => {
    const JOBS = 2_000;
    const running = new Map<number, number>();
    const ran: string[] = [];
    let most = 0;
    const task = defineTask({
      identifier: "send",
      rateLimit: [
        "fast",
        { maxPerSecond: 100, burstSize: 100, key: ({ tenant }: { tenant: number }) => tenant },
        { maxConcurrent: 10, key: ({ tenant }: { tenant: number }) => tenant },
      ],
      async run(payload, { job }) {
        const { tenant } = payload as { readonly tenant: number };
        const now = (running.get(tenant) ?? 0) + 1;
        running.set(tenant, now);
        most = Math.max(most, now);
        await new Promise((resolve) => setImmediate(resolve));
        running.set(tenant, (running.get(tenant) ?? 0) - 1);
        ran.push(job.id);
      },
    });
    const { worker, history, sql } = await start([task], {
      limits: { limiters: { fast: { maxPerSecond: 400, burstSize: 200 } }, tendInterval: "250ms" },
      worker: { concurrentJobs: 24 },
    });
    const from = Date.now();
    await worker.addJobs(many(JOBS).map((n) => ({ task, payload: { tenant: n % 5 } })));
    await vi.waitUntil(() => ran.length === JOBS, { timeout: 45_000, interval: 20 });
    const tookMs = Date.now() - from;
    const fetched = history.filter(({ name }) => name === "job:started").length;
    expect(tookMs).toBeGreaterThan(((JOBS - 200) / 400) * 1_000 - 50);
    expect(fetched / JOBS).toBeLessThanOrEqual(2.1);
    expect(new Set(ran).size).toBe(JOBS);
    expect(most).toBeLessThanOrEqual(10);
    await vi.waitFor(async () => {
      expect(await sql("select from oppulence_worker.ratelimit_line")).toEqual([]);
      expect(await sql("select from oppulence_worker.ratelimit_places")).toEqual([]);
    });
  }, 60_000);

  it("is handed three places one after another, and nobody stalls", async () => {
    const JOBS = 500;
    let running = 0;
    let most = 0;
    const ran: string[] = [];
    const task = defineTask({
      identifier: "send",
      rateLimit: { maxConcurrent: 3 },
      async run(_, { job }) {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        ran.push(job.id);
      },
    });
    const { worker, history, sql } = await start([task], { worker: { concurrentJobs: 12 } });
    await worker.addJobs(many(JOBS).map((n) => ({ task, payload: { n } })));
    await vi.waitUntil(() => ran.length === JOBS, { timeout: 45_000, interval: 20 });
    const fetched = history.filter(({ name }) => name === "job:started").length;
    expect(most).toBe(3);
    expect(new Set(ran).size).toBe(JOBS);
    expect(fetched / JOBS).toBeLessThanOrEqual(2.1);
    await vi.waitFor(async () => {
      expect(await sql("select from oppulence_worker.ratelimit_places")).toEqual([]);
    });
  }, 60_000);
});
