import { createClient, createWorker, defineTask, type PluginApis } from "@oppulence/worker-core";
import { expectTypeOf } from "vitest";
import { type DeadLetterPage, type DLQManager, dlq, type ReprocessResult } from "../src/index.ts";

const worker = createWorker({ plugins: [dlq({ retention: { ttl: "30d", cap: 10_000 } })] });
const client = createClient({ plugins: [dlq()] });

expectTypeOf(worker.plugins.dlq).toEqualTypeOf<DLQManager>();
expectTypeOf(client.plugins.dlq).toEqualTypeOf<DLQManager>();
expectTypeOf<PluginApis["dlq"]>().toEqualTypeOf<DLQManager>();
expectTypeOf(worker.plugins.dlq.list({ task: "a" })).toEqualTypeOf<Promise<DeadLetterPage>>();
expectTypeOf(worker.plugins.dlq.reprocessDLQ({ filter: {} })).toEqualTypeOf<
  Promise<ReprocessResult>
>();
expectTypeOf(dlq).toBeCallableWith({ onDeadLetter: ({ task }) => void task });
expectTypeOf(dlq).toBeCallableWith({
  archive: async (entries, { signal }) => void [entries, signal],
});
defineTask({ identifier: "off", dlq: false, run: () => {} });
defineTask({ identifier: "own", dlq: { maxRetries: 3, redact: ["payload.card"] }, run: () => {} });
// @ts-expect-error a misspelt option
dlq({ retension: {} });
// @ts-expect-error neither on nor off
defineTask({ identifier: "odd", dlq: "off", run: () => {} });
// @ts-expect-error a state that there is not
void worker.plugins.dlq.list({ state: "alive" });
