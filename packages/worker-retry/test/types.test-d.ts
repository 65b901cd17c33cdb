import { createClient, createWorker, defineTask, type PluginApis } from "@oppulence/worker-core";
import { expectTypeOf } from "vitest";
import { RetryAfterError, type RetryApi, retries, type StuckJob } from "../src/index.ts";

const task = defineTask({
  identifier: "work",
  retry: { maxAttempts: 5, backoff: ["1s", 5_000], timeout: false, giveUpOn: ["TypeError"] },
  run: () => {},
});
const worker = createWorker({ tasks: [task], plugins: [retries({ timeout: "5m" })] });
const client = createClient({ plugins: [retries()] });

expectTypeOf(worker.plugins.retry).toEqualTypeOf<RetryApi>();
expectTypeOf(client.plugins.retry).toEqualTypeOf<RetryApi>();
expectTypeOf<PluginApis["retry"]>().toEqualTypeOf<RetryApi>();
expectTypeOf(worker.plugins.retry.cancel("1")).toEqualTypeOf<Promise<readonly string[]>>();
expectTypeOf(worker.plugins.retry.stuck()).toEqualTypeOf<readonly StuckJob[]>();
expectTypeOf(RetryAfterError.fromHeader("1")).toEqualTypeOf<RetryAfterError | undefined>();
expectTypeOf(retries).toBeCallableWith({ backoff: { type: "exponential", jitter: "full" } });
expectTypeOf(retries).toBeCallableWith({ backoff: (attempt: number) => `${attempt}m` });
// @ts-expect-error a misspelt option
retries({ maxAtempts: 1 });
// @ts-expect-error a fixed back-off has a delay
retries({ backoff: { type: "fixed" } });
// @ts-expect-error an instant or a time from now, not both or none
new RetryAfterError("later", {});
