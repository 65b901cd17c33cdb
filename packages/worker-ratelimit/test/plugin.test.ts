import { defineTask } from "@oppulence/worker-core";
import { describe, expect, it, vi } from "vitest";
import { isRateLimitedError } from "../src/index.ts";
import { start } from "./start.ts";

const many = (count: number) => Array.from({ length: count }, (_, n) => n);

describe("rateLimit", () => {
  it("lets the burst go, gives the others turns of their own, at no cost in attempts", async () => {
    const ran: { id: string; at: number; attempts: number }[] = [];
    const task = defineTask({
      identifier: "send",
      rateLimit: { maxPerSecond: 20, burstSize: 5 },
      run: (_, { job }) => void ran.push({ id: job.id, at: Date.now(), attempts: job.attempts }),
    });
    const { worker, drain } = await start([task]);
    const from = Date.now();
    await worker.addJobs(many(25).map((n) => ({ task, payload: { n } })));
    await vi.waitUntil(() => ran.length === 25, { timeout: 10_000 });
    await drain();
    expect(Date.now() - from).toBeGreaterThan(950);
    expect(Date.now() - from).toBeLessThan(6_000);
    expect(ran.every(({ attempts }) => attempts === 1)).toBe(true);
    for (const [index, { at }] of ran.entries()) {
      const within = ran.slice(index).filter((other) => other.at - at < 200);
      expect(within.length).toBeLessThanOrEqual(5 + 4 + 1);
    }
  });

  it("runs jobs of a key in the order in which they came", async () => {
    const ran: { id: number; key: string }[] = [];
    const task = defineTask({
      identifier: "send",
      rateLimit: { maxPerSecond: 10, burstSize: 1, key: ({ key }: { key: string }) => key },
      run: (payload) => void ran.push(payload as { id: number; key: string }),
    });
    const { worker, history } = await start([task]);
    await worker.addJobs(
      many(24).map((id) => ({ task, payload: { id, key: id % 2 === 0 ? "a" : "b" } })),
    );
    await vi.waitUntil(() => ran.length === 24, { timeout: 15_000 });
    for (const key of ["a", "b"]) {
      const ids = ran.filter((each) => each.key === key).map(({ id }) => id);
      // One that comes more than a unit's time late is overtaken: a busy machine may have it so, by a place or two.
      const inOrder = ids.toSorted((a, b) => a - b);
      for (const [at, id] of ids.entries())
        expect(Math.abs(inOrder.indexOf(id) - at)).toBeLessThanOrEqual(2);
    }
    expect(history.filter(({ name }) => name === "job:started").length).toBeLessThanOrEqual(96);
  });

  it("runs no more than maxConcurrent at once, and wakes the next within 50 ms", async () => {
    let running = 0;
    let most = 0;
    const ended: number[] = [];
    const waits: number[] = [];
    const task = defineTask({
      identifier: "send",
      rateLimit: { maxConcurrent: 2 },
      run: async () => {
        const last = ended.at(-1);
        if (last !== undefined) waits.push(performance.now() - last);
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 40));
        running -= 1;
        ended.push(performance.now());
      },
    });
    const { worker } = await start([task], { worker: { concurrentJobs: 8 } });
    await worker.addJobs(many(20).map((n) => ({ task, payload: { n } })));
    await vi.waitUntil(() => ended.length === 20, { timeout: 10_000 });
    expect(most).toBe(2);
    const sorted = [...waits].sort((a, b) => a - b);
    // The others say more of how busy the machine is.
    expect(sorted[Math.floor(sorted.length / 4)]).toBeLessThan(200);
  });

  it("drops, fails, and fails what would wait too long", async () => {
    const ran: string[] = [];
    const run = (_: unknown, { job }: { job: { task_identifier: string } }) =>
      void ran.push(job.task_identifier);
    const slow = { limit: 1, period: "1h" } as const;
    const dropped = defineTask({
      identifier: "drop",
      rateLimit: { ...slow, onLimit: "drop" },
      run,
    });
    const failed = defineTask({ identifier: "fail", rateLimit: { ...slow, onLimit: "fail" }, run });
    const late = defineTask({ identifier: "late", rateLimit: { ...slow, maxWait: "1m" }, run });
    const { enqueue, waitFor, worker } = await start([dropped, failed, late]);
    for (const task of [dropped, failed, late]) await waitFor(await enqueue(task, {}), "succeeded");
    await waitFor(await enqueue(dropped, {}), "skipped");
    const two = (await enqueue(failed, {})) as { id: string };
    await waitFor(two.id, "failed");
    const three = (await enqueue(late, {})) as { id: string };
    await waitFor(three.id, "failed");
    expect(ran).toEqual(["drop", "fail", "late"]);
    expect((await worker.explain(two.id)).note).toMatchObject({ code: "RATE_LIMITED" });
    expect((await worker.explain(three.id)).note?.message).toMatch(/its turn is in/);
  });

  it("only counts in a dry run", async () => {
    const task = defineTask({
      identifier: "send",
      rateLimit: { limit: 2, period: "1h", mode: "dryRun" },
      run: () => {},
    });
    const { worker, drain, history } = await start([task]);
    await worker.addJobs(many(6).map((n) => ({ task, payload: { n } })));
    await vi.waitUntil(() => history.filter(({ name }) => name === "job:succeeded").length === 6);
    await drain();
    expect(history.some(({ name }) => name === "job:deferred")).toBe(false);
  });

  it("says why a job waits, and since when", async () => {
    const task = defineTask({
      identifier: "send",
      rateLimit: ["stripe", { maxConcurrent: 1 }],
      run: () => {},
    });
    const { enqueue, waitFor, worker } = await start([task], {
      limits: { limiters: { stripe: { limit: 1, period: "1h" } } },
    });
    await waitFor(await enqueue(task, {}), "succeeded");
    const waiting = (await enqueue(task, {})) as { id: string };
    await waitFor(waiting.id, "deferred");
    const { plugins, note } = await worker.explain(waiting.id);
    expect(note).toMatchObject({ plugin: "rateLimit", code: "RATE_LIMITED" });
    expect(plugins[0]).toMatchObject({ plugin: "rateLimit", code: "RATE_LIMITED", blocking: true });
    expect(plugins[0]?.message).toMatch(/^limiter "stripe": it is the first in line since/);
  });

  it("lets a raised limit reach those who wait", async () => {
    const ran: number[] = [];
    const task = defineTask({
      identifier: "send",
      rateLimit: "stripe",
      run: () => void ran.push(Date.now()),
    });
    const { worker, api } = await start([task], {
      limits: { limiters: { stripe: { limit: 1, period: "1h" } } },
    });
    await worker.addJobs(many(10).map((n) => ({ task, payload: { n } })));
    await vi.waitUntil(() => ran.length === 1);
    await vi.waitUntil(async () => (await api.limits.list())[0]?.waiting === 9);
    const setAt = Date.now();
    await api.limits.set("stripe", null, { maxPerSecond: 100 }, { reason: "they allow more" });
    await vi.waitUntil(() => ran.length === 10, { timeout: 10_000 });
    expect(Date.now() - setAt).toBeLessThan(5_000);
  });

  it("limits calls outside jobs, in a worker and in a client, together with jobs", async () => {
    const { api, client } = await start([], {
      limits: { limiters: { stripe: { limit: 2, period: "1h" }, pool: { maxConcurrent: 1 } } },
    });
    await api.acquire("stripe");
    await client.plugins.rateLimit.acquire("stripe");
    const refused = await api.acquire("stripe", { timeout: 0 }).catch((error: unknown) => error);
    expect(isRateLimitedError(refused)).toBe(true);
    const held = await api.acquire("pool");
    const waiting = client.plugins.rateLimit.acquire("pool", { timeout: "5s" });
    await vi.waitUntil(async () => (await api.limits.show("pool")).waiting === 1);
    const from = performance.now();
    held.release();
    using _ = await waiting;
    expect(performance.now() - from).toBeLessThan(3_000);
  });
});
