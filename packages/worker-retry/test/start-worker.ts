import type { AnyPlugin, AnyTask } from "@oppulence/worker-core";
import { createHarness, type HarnessOptions } from "@oppulence/worker-testing";
import { onTestFinished } from "vitest";
import { type RetryOptions, type RetryPlugin, retries } from "../src/index.ts";

/** What {@link startWorker} may be told besides the tasks. */
export interface StartOptions extends Omit<HarnessOptions, "plugins" | "tasks"> {
  readonly retry?: RetryOptions;
  /** Plugins behind this one. */
  readonly plugins?: readonly AnyPlugin[];
}

/** A worker with the plugin that runs, in a database of its own; both end with the test. */
export async function startWorker(tasks: readonly AnyTask[], options: StartOptions = {}) {
  const { retry, plugins = [], ...rest } = options;
  const harness = await createHarness<readonly [RetryPlugin, ...AnyPlugin[]]>({
    ...rest,
    tasks,
    plugins: [retries(retry), ...plugins],
  });
  onTestFinished(() => harness.stop());
  return harness;
}

/** A promise that the test settles, for tasks that are to go on until then. */
export function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}
