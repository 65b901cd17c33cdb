import { testPlugin } from "@oppulence/worker-testing/conformance";
import { retries } from "../src/index.ts";

testPlugin(() => retries({ maxAttempts: 25 }), {
  taskOptions: { retry: { timeout: "5m", expireAfter: "1d" } },
  races: 100,
});
