import { type Clock, defineTask, systemClock } from "@oppulence/worker-core";
import { startPostgres } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  isLimitStoreError,
  type RateLimitOptions,
  type RateLimitStore,
  type StoreFactory,
} from "../src/index.ts";
import { postgresStore } from "../src/postgres-store.ts";
import { start } from "./start.ts";

const many = (count: number) => Array.from({ length: count }, (_, n) => n);

type Admit = RateLimitStore["admit"];

/** The store in PostgreSQL, with admissions as the test says. */
const storeWith =
  (admitOf: (store: RateLimitStore) => Admit): StoreFactory =>
  (input) => {
    const made = postgresStore(input);
    const admit = admitOf(made);
    return new Proxy(made, {
      get(target, name) {
        if (name === "admit") return admit;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };

/** A store that goes away and comes back as the test says. */
function fragile() {
  const state = { isAway: false };
  const store = storeWith((made) => (...given) => {
    if (state.isAway) return Promise.reject(new Error("connection refused"));
    return made.admit(...given);
  });
  return { state, store };
}

describe("while the store does not answer", () => {
  it("jobs are deferred and lose no attempt, and all run once it is back", async () => {
    const { state, store } = fragile();
    const attempts: number[] = [];
    const task = defineTask({
      identifier: "send",
      rateLimit: { maxPerSecond: 1_000 },
      run: (_, { job }) => void attempts.push(job.attempts),
    });
    const { worker, history, enqueue, waitFor } = await start([task], { limits: { store } });
    state.isAway = true;
    const one = (await enqueue(task, {})) as { id: string };
    await waitFor(one.id, "deferred");
    expect((await worker.explain(one.id)).note).toMatchObject({
      code: "RATE_LIMIT_STORE_AWAY",
      message: expect.stringContaining("connection refused"),
    });
    expect((await worker.health()).parts["rateLimit"]).toMatchObject({ status: "degraded" });
    await worker.addJobs(many(19).map((n) => ({ task, payload: { n } })));
    state.isAway = false;
    await vi.waitUntil(() => attempts.length === 20, { timeout: 10_000 });
    expect(attempts).toEqual(Array(20).fill(1));
    expect(history.some(({ name }) => name === "job:failed")).toBe(false);
    expect((await worker.health()).parts["rateLimit"]).toMatchObject({ status: "ok" });
  });

  it("jobs run all the same where the limiter is open then", async () => {
    const { state, store } = fragile();
    const task = defineTask({
      identifier: "send",
      rateLimit: { limit: 1, period: "1h", onError: "open" },
      run: () => {},
    });
    const { enqueue, waitFor, api } = await start([task], {
      limits: { store, limiters: { closed: { maxPerSecond: 1 } } },
    });
    state.isAway = true;
    for (const n of [1, 2, 3]) await waitFor(await enqueue(task, { n }), "succeeded");
    await expect(api.acquire("send")).resolves.toBeDefined();
    await expect(api.acquire("closed")).rejects.toThrow(/connection refused|did not answer/);
  });

  it("tells a call in time that no answer came", async () => {
    const store = storeWith(() => () => new Promise(() => {}));
    const { api } = await start([], {
      limits: { store, storeTimeout: "50ms", limiters: { crm: { maxPerSecond: 1 } } },
    });
    const error = await api.acquire("crm").catch((problem: unknown) => problem);
    expect(isLimitStoreError(error)).toBe(true);
  });
});

describe("PostgreSQL restarted while jobs wait", () => {
  it("keeps counts, lines and places, and everything runs", async () => {
    const server = await startPostgres({ url: false });
    onTestFinished(() => server.stop());
    const ran: string[] = [];
    const task = defineTask({
      identifier: "send",
      rateLimit: [{ maxPerSecond: 20, burstSize: 2 }, { maxConcurrent: 1 }],
      run: (_, { job }) => void ran.push(`${job.id} ${job.attempts}`),
    });
    const { worker, sql } = await start([task], { databases: server, timeout: "20s" });
    await worker.addJobs(many(40).map((n) => ({ task, payload: { n } })));
    await vi.waitUntil(() => ran.length >= 5, { timeout: 10_000 });
    await server.restart({ mode: "immediate" });
    const count = () => sql("select from graphile_worker.jobs").catch(() => [1]);
    await vi.waitUntil(async () => (await count()).length === 0, {
      timeout: 40_000,
      interval: 100,
    });
    expect(new Set(ran.map((each) => each.split(" ")[0])).size).toBe(40);
    await vi.waitFor(async () => {
      expect(await sql("select from oppulence_worker.ratelimit_line")).toEqual([]);
      expect(await sql("select from oppulence_worker.ratelimit_places")).toEqual([]);
    }, 35_000);
  }, 90_000);
});

describe("hosts whose clocks are an hour apart", () => {
  it("count together", async () => {
    const wrongBy = (ms: number): Clock => ({ ...systemClock, now: () => Date.now() + ms });
    const limits: RateLimitOptions = { limiters: { crm: { limit: 3, period: "1h" } } };
    const late = await start([], { limits, clock: wrongBy(-1_800_000) });
    const early = await start([], {
      limits,
      database: late.database,
      clock: wrongBy(1_800_000),
    });
    for (const { api } of [late, early, late]) await api.acquire("crm", { timeout: 0 });
    await expect(early.api.acquire("crm", { timeout: 0 })).rejects.toThrow(/in 20m/);
    await expect(late.api.acquire("crm", { timeout: 0 })).rejects.toThrow(/in 20m/);
  });
});

describe("any number of keys", () => {
  it("leaves no row behind once they are idle", async () => {
    const task = defineTask({
      identifier: "send",
      rateLimit: { maxPerSecond: 1_000, key: ({ n }: { n: number }) => `key ${n}` },
      run: () => {},
    });
    const { worker, drain, sql } = await start([task], {
      limits: { sweepInterval: "1s" },
      worker: { concurrentJobs: 24 },
    });
    await worker.addJobs(many(2_500).map((n) => ({ task, payload: { n } })));
    await drain({ timeout: "25s" });
    // Buckets are kept for a minute after their last lease: pretend that it is over.
    await sql(
      "update oppulence_worker.ratelimit_buckets set leased_at = leased_at - 2e8, tat = least(tat, leased_at)",
    );
    await vi.waitUntil(
      async () => (await sql("select from oppulence_worker.ratelimit_buckets")).length === 0,
      { timeout: 15_000 },
    );
  }, 40_000);
});

describe("keys and units that are none", () => {
  it.each([
    ["a key function that throws", { key: () => JSON.parse("{") }, "RATE_LIMIT_KEY"],
    ["an undefined key", { key: () => undefined as never }, "RATE_LIMIT_KEY"],
    ["an object for a key", { key: () => ({}) as never }, "RATE_LIMIT_KEY"],
    ["units larger than the burst", { units: () => 11 }, "RATE_LIMIT_UNITS"],
    ["units that are no number", { units: () => Number.NaN }, "RATE_LIMIT_UNITS"],
  ])("fail the job for good: %s", async (_, behavior, code) => {
    const task = defineTask({
      identifier: "send",
      rateLimit: { maxPerSecond: 10, ...behavior },
      run: () => {},
    });
    const { enqueue, waitFor, worker, sql } = await start([task]);
    const job = (await enqueue(task, {})) as { id: string };
    await waitFor(job.id, "failed");
    expect((await worker.explain(job.id)).note).toMatchObject({ plugin: "rateLimit", code });
    expect(await sql("select from oppulence_worker.ratelimit_line")).toEqual([]);
  });

  it("take a key of 10,000 characters", async () => {
    const task = defineTask({
      identifier: "send",
      rateLimit: { maxPerSecond: 10, key: () => "k".repeat(10_000) },
      run: () => {},
    });
    const { enqueue, waitFor, sql } = await start([task]);
    await waitFor(await enqueue(task, {}), "succeeded");
    const [row] = await sql<{ length: number }>(
      "select length(key)::int as length from oppulence_worker.ratelimit_buckets",
    );
    expect(row?.length).toBeLessThan(200);
  });
});
