import { testPlugin } from "@oppulence/worker-testing/conformance";
import { rateLimit } from "../src/index.ts";

// Its place ends a second after its process, and lines are looked after five times a second.
testPlugin(
  () =>
    rateLimit({
      limiters: { pool: { maxConcurrent: 1_000 }, calls: { maxPerSecond: 10_000 } },
      lease: "1s",
      tendInterval: "200ms",
    }),
  {
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
    leakCheck: ({ query }) =>
      query("select id from oppulence_worker.ratelimit_places where id ~ '^[0-9]+$'"),
    races: 100,
  },
);
