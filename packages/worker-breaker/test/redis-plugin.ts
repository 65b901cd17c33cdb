import type { ConformanceFixtures } from "@oppulence/worker-testing";
import { Redis } from "ioredis";
import { type CircuitBreakerPlugin, circuitBreaker, type StoreFactory } from "../src/index.ts";
import { redisStore } from "../src/redis.ts";

/** Names the port of the Redis, for this process and those that it forks. */
export const PORT_VARIABLE = "OPPULENCE_TEST_BREAKER_REDIS";

/** A store in that Redis, apart for each database of the tests. */
export const storeOfTest: StoreFactory = (input) => {
  const client = new Redis({ port: Number(process.env[PORT_VARIABLE]), lazyConnect: true });
  const { connectionString, database } = input.pool.options;
  return redisStore(client, { prefix: connectionString ?? database ?? "test" })(input);
};

/** The plugin, for the conformance suite. */
export const plugin = (): CircuitBreakerPlugin =>
  circuitBreaker({
    dependencies: { smtp: { failureThreshold: 1_000, maxHalfOpenWait: "1s" } },
    store: storeOfTest,
    // Else jobs may be parked before they are claimed, and the suite waits to see them deferred.
    park: false,
  });

/** What the suite has to know, here and in the processes that it kills. */
export const fixtures: ConformanceFixtures = {
  variant: "redis",
  module: import.meta.url,
  taskOptions: { breaker: { dependency: "smtp" } },
  stops: {
    setup: ({ api }) => api.open("smtp", { reason: "conformance" }),
    expect: "defer",
    code: "CIRCUIT_OPEN",
    release: ({ api }) => api.reset("smtp"),
  },
  leakCheck: async ({ api }) => {
    const { probes } = await api.get("smtp");
    return probes.underWay === 0 ? [] : [probes];
  },
  races: 100,
};
