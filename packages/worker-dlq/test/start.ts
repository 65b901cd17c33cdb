import type { AnyPlugin, AnyTask } from "@oppulence/worker-core";
import { createHarness, type Harness, type HarnessOptions } from "@oppulence/worker-testing";
import { onTestFinished } from "vitest";
import { type DLQManager, type DlqOptions, type DlqPlugin, dlq } from "../src/index.ts";

/** What {@link start} may be told besides the tasks. */
export interface StartOptions extends Omit<HarnessOptions, "plugins" | "tasks"> {
  readonly dlq?: DlqOptions;
  /** Plugins beside this one. */
  readonly plugins?: readonly AnyPlugin[];
}

/** A worker that runs, in a database of its own; both end with the test. The reconciler is called by hand. */
export async function start(
  tasks: readonly AnyTask[],
  { dlq: options, plugins = [], ...rest }: StartOptions = {},
): Promise<Harness<readonly [DlqPlugin, ...AnyPlugin[]]> & { readonly api: DLQManager }> {
  const harness = await createHarness<readonly [DlqPlugin, ...AnyPlugin[]]>({
    ...rest,
    tasks,
    plugins: [dlq({ reconcileInterval: "1h", ...options }), ...plugins],
  });
  onTestFinished(() => harness.stop());
  return Object.assign(harness, { api: harness.worker.plugins.dlq });
}

/** Jobs that are in the queue, by graphile-worker's own view. */
export async function queued(
  harness: Pick<Harness, "sql">,
): Promise<readonly { id: string; task: string; attempts: number; key: string | null }[]> {
  return harness.sql(
    "select id::text, task_identifier as task, attempts, key from graphile_worker.jobs order by jobs.id",
  );
}
