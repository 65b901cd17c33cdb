import { createClient, createWorker, defineTask, type PluginApis } from "@oppulence/worker-core";
import { Redis } from "ioredis";
import { expectTypeOf } from "vitest";
import { type Acquired, type LimitsApi, type RateLimitApi, rateLimit } from "../src/index.ts";
import { redisStore } from "../src/redis.ts";

const several = defineTask({
  identifier: "several",
  rateLimit: ["stripe", { maxConcurrent: 2, key: (payload: { tenant: string }) => payload.tenant }],
  run: () => {},
});
const own = defineTask({
  identifier: "own",
  rateLimit: { limit: 100, period: "1d", units: () => 2, onLimit: "drop", mode: "dryRun" },
  run: () => {},
});
const plugin = rateLimit({
  limiters: { stripe: { limits: (key) => ({ maxPerSecond: key === "big" ? 100 : 1 }) } },
  tenants: { plans: { free: { maxPerMinute: 60 } }, defaultPlan: "free" },
  store: redisStore(new Redis({ lazyConnect: true })),
});
const worker = createWorker({ tasks: [several, own], plugins: [plugin] });
const client = createClient({ plugins: [rateLimit()] });

expectTypeOf(worker.plugins.rateLimit).toEqualTypeOf<RateLimitApi>();
expectTypeOf(client.plugins.rateLimit.limits).toEqualTypeOf<LimitsApi>();
expectTypeOf<PluginApis["rateLimit"]>().toEqualTypeOf<RateLimitApi>();
expectTypeOf(worker.plugins.rateLimit.acquire("stripe", { units: 2, timeout: "1s" })).toEqualTypeOf<
  Promise<Acquired>
>();
// @ts-expect-error a misspelt option
rateLimit({ limiters: { stripe: { maxPerSecnd: 1 } } });
// @ts-expect-error not a limit
defineTask({ identifier: "x", rateLimit: { maxConcurrent: "2" }, run: () => {} });
