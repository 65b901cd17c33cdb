import {
  definePlugin,
  type Health,
  Loop,
  type Plugin,
  type PluginHost,
  type PluginInstance,
  parseDuration,
} from "@oppulence/worker-core";
import type { SagaApi } from "./api.ts";
import { sagaCommands } from "./commands.ts";
import { explainStep } from "./explain.ts";
import { showActive } from "./metrics.ts";
import { type ResolvedSagaOptions, type SagaOptions, sagaOptions } from "./options.ts";
import { createParts, type Parts } from "./parts.ts";
import { Registry } from "./registry.ts";
import { definitionHook, failureHook, gateHook } from "./step-hooks.ts";
import { createStepTasks } from "./step-tasks.ts";

declare module "@oppulence/worker-core" {
  interface PluginApis {
    saga: SagaApi;
  }
}

/** The plugin that {@link saga} makes. */
export type SagaPlugin = Plugin<"saga", ResolvedSagaOptions, SagaApi>;

/**
 * Workflows: steps that depend on one another and are undone when one fails, each an ordinary job.
 *
 * In a worker it runs steps, fires timers and looks for steps whose job is gone. In a client it has the API and the
 * commands alone.
 *
 * @example
 * createWorker({ connectionString, plugins: [saga({ workflows: [order] })] });
 */
export function saga(options: SagaOptions = {}): SagaPlugin {
  return definePlugin({
    name: "saga",
    package: "@oppulence/worker-saga",
    options,
    optionsSchema: sagaOptions,
    producers: "enforced-at-run",
    migrations: { directory: new URL("../sql/", import.meta.url) },
    setup,
  });
}

function setup(host: PluginHost<ResolvedSagaOptions>): PluginInstance<SagaApi> {
  const { options } = host;
  const registry = new Registry(options.workflows);
  const stopping = new AbortController();
  const parts = createParts(host, registry, stopping.signal);
  const { api, runner, recorder, metrics, definitions, timers, gates, strays } = parts;
  const { tasks, steps } = createStepTasks(registry, options, () => runner);
  const hooks = { registry, steps, runner, recorder, strays, metrics };
  const loops = createLoops(host, parts);
  return {
    api,
    tasks,
    beforeRun: definitionHook(hooks),
    afterRun: options.gates ? gateHook(gates) : undefined,
    onFailure: failureHook(hooks, options.gates ? gates : undefined),
    commands: sagaCommands(api),
    panels: [
      {
        id: "saga",
        title: "Runs of workflows",
        load: async ({ limit }) => (await api.list({ limit })).map((run) => ({ ...run })),
      },
    ],
    explain: (input) => explainStep(input, steps, registry),
    health: () => healthOf(parts),
    async start() {
      for (const workflow of registry.all) await definitions.idOf(workflow);
      if (host.mode !== "worker") return;
      sampleActive(host, parts);
      for (const loop of loops) loop.start();
    },
    async stop() {
      stopping.abort(new Error("the worker stops"));
      timers.stop();
      for (const loop of loops) await loop.stop();
    },
  };
}

function createLoops(
  { clock, options }: PluginHost<ResolvedSagaOptions>,
  { watch, reconciler }: Parts,
): readonly Loop[] {
  return [
    new Loop({
      clock,
      intervalMs: parseDuration(options.pollInterval, "plugin saga, pollInterval"),
      turn: () => watch.turn(),
    }),
    new Loop({
      clock,
      intervalMs: parseDuration(options.reconcileInterval, "plugin saga, reconcileInterval"),
      turn: () => reconciler.turn(),
    }),
  ];
}

function sampleActive(
  { options, meter, clock, query }: PluginHost<ResolvedSagaOptions>,
  { reader, onError }: Parts,
): void {
  if (options.sampleInterval === false) return;
  const intervalMs = parseDuration(options.sampleInterval, "plugin saga, sampleInterval");
  showActive(
    meter,
    () => clock.now(),
    intervalMs,
    () => reader.active(query),
    (error) => onError("sample", error),
  );
}

function healthOf({ watch }: Parts): Health {
  return watch.problem === undefined
    ? { status: "ok" }
    : { status: "degraded", detail: watch.problem };
}
