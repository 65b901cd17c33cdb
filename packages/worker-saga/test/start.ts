import type { AnyPlugin, AnyTask } from "@oppulence/worker-core";
import { createHarness, type Harness, type HarnessOptions } from "@oppulence/worker-testing";
import { expect, onTestFinished } from "vitest";
import {
  type AnyWorkflow,
  type SagaApi,
  type SagaOptions,
  type SagaPlugin,
  saga,
} from "../src/index.ts";
import { RUN_PROOF } from "./run-proof.ts";

/** How to start, besides the workflows. */
export interface StartOptions extends Omit<HarnessOptions, "plugins" | "tasks"> {
  readonly saga?: SagaOptions;
  readonly tasks?: readonly AnyTask[];
  /** Plugins beside this one. */
  readonly plugins?: readonly AnyPlugin[];
}

/** A worker with workflows, in a database of its own; both end with the test. */
export async function start(
  workflows: readonly AnyWorkflow[],
  { saga: options, tasks = [], plugins = [], ...rest }: StartOptions = {},
): Promise<Harness<readonly [SagaPlugin, ...AnyPlugin[]]> & { readonly api: SagaApi }> {
  const harness = await createHarness<readonly [SagaPlugin, ...AnyPlugin[]]>({
    ...rest,
    tasks,
    plugins: [
      saga({
        pollInterval: "50ms",
        reconcileInterval: "1h",
        cancelGrace: "200ms",
        workflows,
        ...options,
      }),
      ...plugins,
    ],
  });
  onTestFinished(() => harness.stop());
  return Object.assign(harness, { api: harness.worker.plugins.saga });
}

/** Attempts are repeated at once. */
export const soon = { maxAttempts: 3, backoff: 1 };

/** Waits until a run is in one of these states. */
export async function reach(
  api: SagaApi,
  id: string,
  ...states: readonly string[]
): Promise<string> {
  await expect
    .poll(async () => (await api.get(id))?.state, { timeout: 15_000, interval: 10 })
    .toBeOneOf([...states]);
  return (await api.get(id))?.state ?? "";
}

/** States of a run's steps, by id. */
export async function stepStates(api: SagaApi, id: string): Promise<Record<string, string>> {
  const run = await api.get(id);
  return Object.fromEntries((run?.steps ?? []).map((step) => [step.id, step.state]));
}

/** Checks what always holds of runs in the database. */
export async function prove({ sql }: Pick<Harness, "sql">): Promise<void> {
  for (const [what, statement] of Object.entries(RUN_PROOF))
    expect(await sql(statement), what).toEqual([]);
}
