import {
  ConfigurationError,
  definePlugin,
  type Health,
  type Plugin,
  type PluginHost,
  type PluginInstance,
} from "@oppulence/worker-core";
import type { BreakerApi } from "./api.ts";
import type { Circuits } from "./circuits.ts";
import { breakerCommands } from "./commands.ts";
import { dependenciesOf, dependencyOf, unknownDependencies } from "./dependencies.ts";
import { explainBreaker } from "./explain.ts";
import {
  type CircuitBreakerJob,
  type CircuitBreakerOptions,
  circuitBreakerJob,
  circuitBreakerOptions,
  type ResolvedCircuitBreakerOptions,
} from "./options.ts";
import { breakerPanels } from "./panels.ts";
import { createParts } from "./parts.ts";
import { isBlocking } from "./record.ts";
import { problemsOfSettings } from "./settings.ts";

declare module "@oppulence/worker-core" {
  interface PluginApis {
    breaker: BreakerApi;
  }
  interface TaskOptions {
    /** The dependency that the task calls; of `@oppulence/worker-breaker`. */
    breaker?: CircuitBreakerJob;
  }
}

/** The plugin that {@link circuitBreaker} makes. */
export type CircuitBreakerPlugin = Plugin<"breaker", ResolvedCircuitBreakerOptions, BreakerApi>;

/**
 * Circuit breakers whose state all processes share. While a dependency is down its jobs wait, at no cost in attempts;
 * they come back step by step.
 *
 * In a worker it decides about jobs, and parks them. In a client it guards calls by `run`, and has the API and the
 * commands.
 *
 * @example
 * createWorker({ tasks, plugins: [circuitBreaker({ dependencies: { smtp: { failureThreshold: 5 } } })] });
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreakerPlugin {
  return definePlugin({
    name: "breaker",
    package: "@oppulence/worker-breaker",
    options,
    optionsSchema: circuitBreakerOptions,
    taskOption: { key: "breaker", schema: circuitBreakerJob },
    producers: "enforced-at-run",
    migrations: { directory: new URL("../sql/", import.meta.url) },
    setup,
  });
}

function setup(host: PluginHost<ResolvedCircuitBreakerOptions>): PluginInstance<BreakerApi> {
  let options = host.options;
  const { api, circuits, hook, parking } = createParts(host, () => options);
  let endOptions: (() => void) | undefined;

  const problems = (given: ResolvedCircuitBreakerOptions) => problemsOf(given, host);
  const assertKnown = (given: ResolvedCircuitBreakerOptions) => {
    const unknown = unknownDependencies(namesOf(given, host), host.tasks.values());
    if (unknown.length > 0)
      throw new ConfigurationError(unknown.map((problem) => `plugin breaker, ${problem}`));
  };

  return {
    api,
    beforeRun: {
      // Last of all, so that hardly a probe is taken that has to be given back.
      phase: "consume",
      after: ["rateLimit", "lock"],
      onError: "open",
      appliesTo: (task) => dependencyOf(task) !== undefined,
      run: (input) => hook.run(input),
    },
    commands: breakerCommands(api),
    panels: breakerPanels(api),
    health: () => healthOf(circuits),
    explain: (input) => explainBreaker(input, circuits),
    check: () => problems(options),
    async start() {
      if (host.mode !== "worker") return;
      assertKnown(options);
      parking.start();
      await circuits.open();
      endOptions ??= host.onOptions((next) => {
        assertKnown(next);
        options = next;
        circuits.configure(next);
        for (const circuit of circuits.all.values()) parking.wake(circuit);
      });
    },
    async stop() {
      endOptions?.();
      endOptions = undefined;
      await parking.stop();
      await circuits.stop();
    },
  };
}

function namesOf(
  options: ResolvedCircuitBreakerOptions,
  { tasks }: PluginHost<unknown>,
): ReturnType<typeof dependenciesOf> {
  return dependenciesOf(options, tasks.values());
}

function problemsOf(options: ResolvedCircuitBreakerOptions, host: PluginHost<unknown>): string[] {
  const names = namesOf(options, host);
  return [
    ...unknownDependencies(names, host.tasks.values()),
    ...[...names].flatMap(([name, each]) => problemsOfSettings(name, each)),
  ];
}

function healthOf(circuits: Circuits): Health {
  if (circuits.problem !== undefined) return { status: "degraded", detail: circuits.problem };
  const open = [...circuits.all.values()].filter(
    ({ record, settings }) => settings.enabled && record !== undefined && isBlocking(record.state),
  );
  if (open.length === 0) return { status: "ok" };
  const names = open.map(({ name, record }) => `${name} (${record?.state})`).join(", ");
  return { status: "degraded", detail: `circuits that are not closed: ${names}` };
}
