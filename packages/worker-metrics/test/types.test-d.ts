import { createClient, createWorker, type PluginApis } from "@oppulence/worker-core";
import { register } from "prom-client";
import { expectTypeOf } from "vitest";
import { type EndpointAddress, type MetricsApi, metrics } from "../src/index.ts";

const worker = createWorker({ plugins: [metrics({ port: 0, registry: register })] });
const client = createClient({ plugins: [metrics()] });

expectTypeOf(worker.plugins.metrics).toEqualTypeOf<MetricsApi>();
expectTypeOf(client.plugins.metrics).toEqualTypeOf<MetricsApi>();
expectTypeOf<PluginApis["metrics"]>().toEqualTypeOf<MetricsApi>();
expectTypeOf(worker.plugins.metrics.address()).toEqualTypeOf<EndpointAddress | undefined>();
expectTypeOf(metrics).toBeCallableWith({ depthInterval: "30s" });
expectTypeOf(metrics).toBeCallableWith({ depthInterval: false, buckets: { wait: [1, 2] } });
// @ts-expect-error a misspelt option
metrics({ prot: 1 });
// @ts-expect-error true is no interval
metrics({ depthInterval: true });
