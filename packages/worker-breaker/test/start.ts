import type { AnyPlugin, AnyTask } from "@oppulence/worker-core";
import { defineTask } from "@oppulence/worker-core";
import { createHarness, type Harness, type HarnessOptions } from "@oppulence/worker-testing";
import { onTestFinished } from "vitest";
import {
  type BreakerApi,
  type CircuitBreakerOptions,
  type CircuitBreakerPlugin,
  circuitBreaker,
} from "../src/index.ts";

/** How to start, besides the tasks. */
export interface StartOptions extends Omit<HarnessOptions, "plugins" | "tasks"> {
  readonly breaker?: CircuitBreakerOptions;
  /** Plugins behind this one. */
  readonly plugins?: readonly AnyPlugin[];
}

/** A worker has to have a task. */
const idle = defineTask({ identifier: "idle", run: () => {} });

/** A worker with the plugin that runs, in a database of its own; both end with the test. */
export async function start(
  tasks: readonly AnyTask[],
  { breaker, plugins = [], ...rest }: StartOptions = {},
): Promise<
  Harness<readonly [CircuitBreakerPlugin, ...AnyPlugin[]]> & { readonly api: BreakerApi }
> {
  const harness = await createHarness<readonly [CircuitBreakerPlugin, ...AnyPlugin[]]>({
    ...rest,
    tasks: [...tasks, idle],
    plugins: [circuitBreaker(breaker), ...plugins],
  });
  onTestFinished(() => harness.stop());
  return Object.assign(harness, { api: harness.worker.plugins.breaker });
}
