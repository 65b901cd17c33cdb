import type { AnyPlugin, AnyTask } from "@oppulence/worker-core";
import { defineTask } from "@oppulence/worker-core";
import { createHarness, type Harness, type HarnessOptions } from "@oppulence/worker-testing";
import { onTestFinished } from "vitest";
import {
  type RateLimitApi,
  type RateLimitOptions,
  type RateLimitPlugin,
  rateLimit,
} from "../src/index.ts";

/** How to start, besides the tasks. */
export interface StartOptions extends Omit<HarnessOptions, "plugins" | "tasks"> {
  readonly limits?: RateLimitOptions;
  /** Plugins behind this one. */
  readonly plugins?: readonly AnyPlugin[];
}

/** A worker has to have a task. */
const idle = defineTask({ identifier: "idle", run: () => {} });

/** A worker with the plugin that runs, in a database of its own; both end with the test. */
export async function start(
  tasks: readonly AnyTask[],
  { limits, plugins = [], ...rest }: StartOptions = {},
): Promise<Harness<readonly [RateLimitPlugin, ...AnyPlugin[]]> & { readonly api: RateLimitApi }> {
  const harness = await createHarness<readonly [RateLimitPlugin, ...AnyPlugin[]]>({
    ...rest,
    tasks: [...tasks, idle],
    plugins: [rateLimit(limits), ...plugins],
  });
  onTestFinished(() => harness.stop());
  return Object.assign(harness, { api: harness.worker.plugins.rateLimit });
}
