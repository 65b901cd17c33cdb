import type { ConformanceFixtures } from "@oppulence/worker-testing";
import { Redis } from "ioredis";
import { type RateLimitPlugin, rateLimit, type StoreFactory } from "../src/index.ts";
import { redisStore } from "../src/redis.ts";

/** Names the port of the Redis, for this process and those that it forks. */
export const PORT_VARIABLE = "OPPULENCE_TEST_RATELIMIT_REDIS";

/** A store in that Redis, apart for each database of the tests. */
const storeOfTest: StoreFactory = (input) => {
  const client = new Redis({ port: Number(process.env[PORT_VARIABLE]), lazyConnect: true });
  const { connectionString, database } = input.pool.options;
  return redisStore(client, { prefix: connectionString ?? database ?? "test" })(input);
};

/** The plugin, for the conformance suite. */
export const plugin = (): RateLimitPlugin =>
  rateLimit({
    limiters: { pool: { maxConcurrent: 1_000 }, calls: { maxPerSecond: 10_000 } },
    lease: "1s",
    tendInterval: "200ms",
    store: storeOfTest,
  });

/** What the suite has to know, here and in the processes that it kills. */
export const fixtures: ConformanceFixtures = {
  variant: "redis",
  module: import.meta.url,
  taskOptions: { rateLimit: ["pool", "calls"] },
  stops: {
    setup: async ({ api }) => {
      await api.limits.set("pool", null, { maxConcurrent: 1 }, { reason: "conformance" });
      await api.acquire("pool");
    },
    expect: "defer",
    code: "CONCURRENCY_LIMITED",
    release: ({ api }) =>
      api.limits.set("pool", null, { maxConcurrent: 1_000 }, { reason: "conformance" }),
  },
  leakCheck: async ({ api }) => {
    const { running } = await api.limits.show("pool");
    // The call of the situation above holds one to its end.
    return running <= 1 ? [] : [running];
  },
  races: 100,
};
