import { defineTask } from "@oppulence/worker-core";
import { describe, expect, it, vi } from "vitest";
import type { LimiterDefinition, RateLimitOptions } from "../src/index.ts";
import { redisStore } from "../src/redis.ts";
import { clientOf, type RedisServer, startRedis, withoutRedis } from "./redis-server.ts";
import { type RedisWay, startWay } from "./redis-way.ts";
import { start } from "./start.ts";

const JOBS = 60;
const many = (count: number) => Array.from({ length: count }, (_, n) => n);

/** A worker whose limiter counts in a Redis that the test may disturb. */
async function started(limiter: LimiterDefinition, more: RateLimitOptions = {}) {
  const server: RedisServer = await startRedis();
  const way: RedisWay = await startWay(server.port);
  const attempts: number[] = [];
  const task = defineTask({
    identifier: "send",
    rateLimit: "crm",
    run: (_, { job }) => void attempts.push(job.attempts),
  });
  const harness = await start([task], {
    limits: {
      limiters: { crm: limiter },
      store: (input) => redisStore(clientOf(way.port))(input),
      tendInterval: "250ms",
      ...more,
    },
    worker: { concurrentJobs: 8 },
  });
  const { worker, history, sql } = harness;
  const count = (name: string) => history.filter((each) => each.name === name).length;
  return {
    ...harness,
    server,
    way,
    attempts,
    count,
    add: () => worker.addJobs(many(JOBS).map((n) => ({ task, payload: { n } }))),
    reached: (ran: number) => vi.waitUntil(() => attempts.length >= ran, { timeout: 15_000 }),
    /** Every job has run once and lost no attempt. */
    async allRan() {
      await vi.waitUntil(async () => (await sql("select from graphile_worker.jobs")).length === 0, {
        timeout: 20_000,
        interval: 50,
      });
      expect(attempts).toEqual(Array(JOBS).fill(1));
      expect(count("job:failed")).toBe(0);
    },
  };
}

describe.skipIf(withoutRedis)("a worker whose Redis", () => {
  it("is restarted, and forgets everything, loses no job and no attempt", async () => {
    const { server, add, reached, allRan, count } = await started({
      maxPerSecond: 30,
      burstSize: 5,
    });
    await add();
    await reached(15);
    await server.restart(async () => {
      const before = count("job:deferred");
      await vi.waitUntil(() => count("job:deferred") > before, { timeout: 5_000 });
    });
    await allRan();
  }, 60_000);

  it("forgets its scripts goes on without a pause", async () => {
    const { server, worker, add, reached, allRan } = await started({
      maxPerSecond: 40,
      burstSize: 5,
    });
    const redis = clientOf(server.port);
    await add();
    for (const ran of [10, 25, 40]) {
      await reached(ran);
      await redis.script("FLUSH");
    }
    await allRan();
    expect((await worker.health()).parts["rateLimit"]).toMatchObject({ status: "ok" });
  }, 60_000);

  it("takes 200 ms to answer keeps its rate and loses nothing", async () => {
    const { way, add, allRan, logs } = await started({ maxPerSecond: 30, burstSize: 30 });
    way.delayMs = 100;
    const from = performance.now();
    await add();
    await allRan();
    const tookMs = performance.now() - from;
    expect(tookMs).toBeGreaterThan(((JOBS - 30) / 30) * 1_000 - 50);
    expect(logs.filter(({ level }) => level === "error")).toEqual([]);
  }, 60_000);

  it("cannot be reached defers jobs, and runs all of them once it is back", async () => {
    const { way, worker, add, allRan, count, sql } = await started(
      { maxPerSecond: 100 },
      { storeTimeout: "200ms" },
    );
    way.isCut = true;
    await add();
    await vi.waitUntil(() => count("job:deferred") >= JOBS, { timeout: 15_000 });
    expect((await worker.health()).parts["rateLimit"]).toMatchObject({ status: "degraded" });
    const [held] = await sql<{ attempts: number }>(
      "select max(attempts)::int as attempts from graphile_worker.jobs",
    );
    expect(held).toEqual({ attempts: 0 });
    way.isCut = false;
    await allRan();
    expect((await worker.health()).parts["rateLimit"]).toMatchObject({ status: "ok" });
  }, 60_000);

  it("cannot be reached runs jobs all the same where the limiter is open then", async () => {
    const { way, add, allRan, count } = await started(
      { limit: 1, period: "1h", onError: "open" },
      { storeTimeout: "100ms" },
    );
    way.isCut = true;
    await add();
    await allRan();
    expect(count("job:deferred")).toBe(0);
  }, 60_000);
});
