import { createClient, createWorker, type PluginApis } from "@oppulence/worker-core";
import { expectTypeOf } from "vitest";
import {
  type PoolInfo,
  type PoolLostError,
  type RecoveryApi,
  recovery,
  type SweptPool,
} from "../src/index.ts";

const worker = createWorker({ plugins: [recovery({ heartbeat: "1s", maxCrashes: 5 })] });
const client = createClient({ plugins: [recovery()] });

expectTypeOf(worker.plugins.recovery).toEqualTypeOf<RecoveryApi>();
expectTypeOf(client.plugins.recovery).toEqualTypeOf<RecoveryApi>();
expectTypeOf<PluginApis["recovery"]>().toEqualTypeOf<RecoveryApi>();
expectTypeOf(worker.plugins.recovery.pools()).resolves.toEqualTypeOf<PoolInfo[]>();
worker.events.on("pool:recovered", (swept) => expectTypeOf(swept).toEqualTypeOf<SweptPool>());
worker.events.on("job:recovered", ({ crashes }) => expectTypeOf(crashes).toEqualTypeOf<number>());
worker.events.on("pool:lost", ({ cause }) => expectTypeOf(cause).toEqualTypeOf<PoolLostError>());
// @ts-expect-error a misspelt option
recovery({ hartbeat: "1s" });
// @ts-expect-error the number is no duration of a list
recovery({ heartbeat: ["1s"] });
