import { createClient, createWorker, defineTask, type PluginApis } from "@oppulence/worker-core";
import { Redis } from "ioredis";
import { expectTypeOf } from "vitest";
import { type BreakerApi, type CircuitView, circuitBreaker } from "../src/index.ts";
import { redisStore } from "../src/redis.ts";

const named = defineTask({
  identifier: "named",
  breaker: { dependency: "smtp", alwaysAttempt: true },
  run: () => {},
});
const own = defineTask({
  identifier: "own",
  breaker: { failureThreshold: { rate: 0.5, minimumCalls: 20 }, resetTimeout: { initial: "1s" } },
  run: () => {},
});
const plugin = circuitBreaker({
  dependencies: { smtp: { window: { calls: 100 } } },
  store: redisStore(new Redis({ lazyConnect: true })),
});
const worker = createWorker({ tasks: [named, own], plugins: [plugin] });
const client = createClient({ plugins: [circuitBreaker()] });

expectTypeOf(worker.plugins.breaker).toEqualTypeOf<BreakerApi>();
expectTypeOf(client.plugins.breaker).toEqualTypeOf<BreakerApi>();
expectTypeOf<PluginApis["breaker"]>().toEqualTypeOf<BreakerApi>();
expectTypeOf(worker.plugins.breaker.run("smtp", () => 7)).toEqualTypeOf<Promise<number>>();
expectTypeOf(worker.plugins.breaker.run("smtp", async () => "a")).toEqualTypeOf<Promise<string>>();
expectTypeOf(worker.plugins.breaker.state("smtp")).toEqualTypeOf<CircuitView>();
worker.events.on("circuit:changed", ({ to }) =>
  expectTypeOf(to).toEqualTypeOf<CircuitView["state"]>(),
);
// @ts-expect-error a misspelt option
circuitBreaker({ dependencies: { smtp: { failureTreshold: 1 } } });
defineTask({
  identifier: "x",
  // @ts-expect-error a task that names a dependency has no breaker of its own
  breaker: { dependency: "smtp", failureThreshold: 1 },
  run: () => {},
});
