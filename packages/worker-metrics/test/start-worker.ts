import {
  type AnyPlugin,
  type AnyTask,
  createWorker,
  type Worker,
  type WorkerOptions,
} from "@oppulence/worker-core";
import type { TestDatabase } from "@oppulence/worker-testing";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import { onTestFinished, vi } from "vitest";
import { type MetricsOptions, type MetricsPlugin, metrics } from "../src/index.ts";
import { readValue } from "./exposition.ts";
import { keepingLogger } from "./logs.ts";

/** Options of the plugin that fit a test: no port that another test may have, nothing that is not looked at. */
export const TEST_OPTIONS: MetricsOptions = { port: 0, defaultMetrics: false, depthInterval: 0 };

/** What {@link startWorker} may be told besides the tasks. */
export interface StartOptions extends Omit<WorkerOptions, "plugins" | "tasks"> {
  readonly metrics?: MetricsOptions;
  /** Plugins beside this one. */
  readonly plugins?: readonly AnyPlugin[];
  readonly database?: TestDatabase;
}

/** A worker that runs, in a database of its own; both end with the test. */
export async function startWorker(tasks: readonly AnyTask[], options: StartOptions = {}) {
  const { metrics: given, plugins = [], database: theirs, ...rest } = options;
  const database = theirs ?? (await testDatabase());
  const { logger, lines } = keepingLogger();
  const worker: Worker<readonly [MetricsPlugin, ...AnyPlugin[]]> = createWorker({
    connectionString: database.url,
    config: false,
    handleSignals: false,
    logger,
    tasks,
    plugins: [metrics({ ...TEST_OPTIONS, ...given }), ...plugins],
    ...rest,
  });
  onTestFinished(() => worker.stop());
  await worker.start();
  const api = worker.plugins.metrics;
  const value = async (name: string, labels?: Record<string, string>) =>
    readValue(await api.text(), name, labels);
  return {
    worker,
    api,
    database,
    lines,
    value,
    url: () => api.address()?.url ?? "the endpoint does not listen",
    /** Waits until a series has a value. */
    reaches: (name: string, labels: Record<string, string>, wanted: number) =>
      vi.waitUntil(async () => (await value(name, labels)) === wanted, {
        timeout: 20_000,
        interval: 10,
      }),
  };
}
