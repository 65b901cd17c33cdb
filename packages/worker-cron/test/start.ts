import type { AnyPlugin, AnyTask } from "@oppulence/worker-core";
import { createHarness, type Harness, type HarnessOptions } from "@oppulence/worker-testing";
import { onTestFinished } from "vitest";
import { type CronApi, type CronOptions, type CronPlugin, cron } from "../src/index.ts";

/** How to start, besides the schedules. */
export interface StartOptions extends Omit<HarnessOptions, "plugins" | "tasks"> {
  readonly cron?: CronOptions;
  readonly tasks?: readonly AnyTask[];
  /** Plugins beside this one. */
  readonly plugins?: readonly AnyPlugin[];
}

/** A worker with schedules, in a database of its own; both end with the test. Drift is looked for by hand. */
export async function start({
  cron: options,
  tasks = [],
  plugins = [],
  ...rest
}: StartOptions = {}): Promise<
  Harness<readonly [CronPlugin, ...AnyPlugin[]]> & { readonly api: CronApi }
> {
  const harness = await createHarness<readonly [CronPlugin, ...AnyPlugin[]]>({
    ...rest,
    tasks,
    plugins: [cron({ driftInterval: "1h", ...options }), ...plugins],
  });
  onTestFinished(() => harness.stop());
  return Object.assign(harness, { api: harness.worker.plugins.cron });
}
