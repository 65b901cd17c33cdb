import { defineTask } from "@oppulence/worker-core";
import { commandLine } from "@oppulence/worker-testing";
import { describe, expect, it, vi } from "vitest";
import type { RateLimitOptions } from "../src/index.ts";
import { start } from "./start.ts";

const many = (count: number) => Array.from({ length: count }, (_, n) => n);

describe("limits that two workers share", () => {
  it("hand a place from one to the other within 50 ms, without polling", async () => {
    const ends: number[] = [];
    const gaps: number[] = [];
    const ranIn = new Set<number>();
    const task = (worker: number) =>
      defineTask({
        identifier: "send",
        rateLimit: { maxConcurrent: 1 },
        run: async () => {
          ranIn.add(worker);
          const last = ends.at(-1);
          if (last !== undefined) gaps.push(performance.now() - last);
          await new Promise((resolve) => setTimeout(resolve, 15));
          ends.push(performance.now());
        },
      });
    const one = await start([task(1)], { worker: { concurrentJobs: 2 } });
    await start([task(2)], { database: one.database, worker: { concurrentJobs: 2 } });
    await one.worker.addJobs(many(30).map((n) => ({ task: "send", payload: { n } })));
    await vi.waitUntil(() => ends.length === 2, { timeout: 10_000, interval: 2 });
    const [waiting] = await one.sql<{ least: number }>(
      "select extract(epoch from min(run_at) filter (where run_at > now() + interval '1 minute') - now())::float8 as least from graphile_worker.jobs",
    );
    // Nobody comes back by itself for a quarter of an hour.
    expect(waiting?.least).toBeGreaterThan(800);
    await vi.waitUntil(() => ends.length === 30, { timeout: 15_000 });
    expect(ranIn.size).toBe(2);
    gaps.sort((a, b) => a - b);
    // The others say more of how busy the machine is.
    expect(gaps[Math.floor(gaps.length / 4)]).toBeLessThan(200);
  });

  it("take over at once what is set, lowered and taken back by the command line, also for who waits", async () => {
    const ran: number[] = [];
    const limits: RateLimitOptions = { limiters: { stripe: { limit: 1, period: "1h" } } };
    const task = () =>
      defineTask({ identifier: "send", rateLimit: "stripe", run: () => void ran.push(Date.now()) });
    const one = await start([task()], { limits });
    const two = await start([task()], { limits, database: one.database });
    const { run, printed } = commandLine(two.client);
    await one.worker.addJobs(many(12).map((n) => ({ task: "send", payload: { n } })));
    await vi.waitUntil(async () => (await two.api.limits.list())[0]?.waiting === 11);

    const stripe = { args: { limiter: "stripe" } };
    const options = { maxPerSecond: "2", burstSize: "1", reason: "they allow more" };
    const setAt = Date.now();
    expect(await run("limits set", { ...stripe, options })).toBe(0);
    await vi.waitUntil(() => ran.length >= 3, { timeout: 10_000 });
    expect((ran[1] ?? 0) - setAt).toBeLessThan(5_000);
    expect(await run("limits show", stripe)).toBe(0);
    expect(printed.join("\n")).toContain("they allow more");

    expect(await run("limits reset", stripe)).toBe(0);
    const after = ran.length;
    // What was on its way when it was lowered.
    await vi.waitUntil(
      async () => {
        const [row] = await one.sql<{ soon: number }>(
          "select count(*)::int as soon from graphile_worker.jobs where run_at < now() + interval '10 seconds'",
        );
        return row?.soon === 0;
      },
      { timeout: 15_000 },
    );
    expect(ran.length - after).toBeLessThanOrEqual(3);
    await one.api.limits.set("stripe", null, { maxPerSecond: 500 });
    await vi.waitUntil(() => ran.length === 12, { timeout: 10_000 });
  });

  it("go each by its own definition where the two differ, and lose nothing", async () => {
    const ran: number[] = [];
    const task = () =>
      defineTask({ identifier: "send", rateLimit: "stripe", run: () => void ran.push(Date.now()) });
    const one = await start([task()], {
      limits: { limiters: { stripe: { maxPerSecond: 100, burstSize: 10 } } },
    });
    await start([task()], {
      limits: { limiters: { stripe: { maxPerSecond: 20, burstSize: 2 } } },
      database: one.database,
    });
    const from = Date.now();
    await one.worker.addJobs(many(60).map((n) => ({ task: "send", payload: { n } })));
    await vi.waitUntil(() => ran.length === 60, { timeout: 15_000 });
    // Never faster than the wider of the two.
    expect(Date.now() - from).toBeGreaterThan(450);
  });

  it("line a crowd up without fetching its jobs again and again", async () => {
    const ran: string[] = [];
    const task = defineTask({
      identifier: "send",
      rateLimit: ["fast", { maxPerSecond: 2_000, burstSize: 400 }],
      run: (_, { job }) => void ran.push(job.id),
    });
    const { worker, history } = await start([task], {
      limits: { limiters: { fast: { maxPerSecond: 400, burstSize: 200 } } },
      worker: { concurrentJobs: 24 },
    });
    await worker.addJobs(many(2_000).map((n) => ({ task, payload: { n } })));
    await vi.waitUntil(() => ran.length === 2_000, { timeout: 30_000 });
    const fetched = history.filter(({ name }) => name === "job:started").length;
    expect(fetched).toBeLessThanOrEqual(2.5 * 2_000);
    expect(new Set(ran).size).toBe(2_000);
  }, 40_000);
});
