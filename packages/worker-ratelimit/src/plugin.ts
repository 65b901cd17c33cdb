import {
  ConfigurationError,
  definePlugin,
  type Health,
  type Plugin,
  type PluginHost,
  type PluginInstance,
} from "@oppulence/worker-core";
import type { RateLimitApi } from "./api.ts";
import { limitsCommands } from "./commands.ts";
import { taskLimiters } from "./definitions.ts";
import { explainLimits } from "./explain.ts";
import {
  type RateLimitedJob,
  type RateLimitOptions,
  type ResolvedRateLimitOptions,
  rateLimitedJob,
  rateLimitOptions,
} from "./options.ts";
import { limitsPanels } from "./panels.ts";
import { createParts } from "./parts.ts";
import type { Registry } from "./registry.ts";
import type { StoreWatch } from "./store-watch.ts";

declare module "@oppulence/worker-core" {
  interface PluginApis {
    rateLimit: RateLimitApi;
  }
  interface TaskOptions {
    /** Limiters that the task's jobs have to pass; of `@oppulence/worker-ratelimit`. */
    rateLimit?: RateLimitedJob;
  }
}

/** The plugin that {@link rateLimit} makes. */
export type RateLimitPlugin = Plugin<"rateLimit", ResolvedRateLimitOptions, RateLimitApi>;

/**
 * Limits how many jobs start in a time, and how many run at once, in all processes together. A job over the limit waits
 * for its own turn, at no cost in attempts, and is fetched when it comes.
 *
 * In a worker it decides about jobs. In a client it limits calls by `acquire`, and has the API and the commands.
 *
 * @example
 * createWorker({ tasks, plugins: [rateLimit({ limiters: { stripe: { maxPerSecond: 100 } } })] });
 */
export function rateLimit(options: RateLimitOptions = {}): RateLimitPlugin {
  return definePlugin({
    name: "rateLimit",
    package: "@oppulence/worker-ratelimit",
    options,
    optionsSchema: rateLimitOptions,
    taskOption: { key: "rateLimit", schema: rateLimitedJob },
    producers: "enforced-at-run",
    migrations: { directory: new URL("../sql/", import.meta.url) },
    setup,
  });
}

function setup(host: PluginHost<ResolvedRateLimitOptions>): PluginInstance<RateLimitApi> {
  const { api, hook, registry, store, watch, open, warmUp, start, stop } = createParts(host);
  let options = host.options;
  let endOptions: (() => void) | undefined;

  return {
    api,
    beforeRun: {
      phase: "admit",
      // A store that does not answer is decided about before; this is what nobody thought of.
      onError: "closed",
      appliesTo: (task) => taskLimiters(task).length > 0,
      run: (input) => hook.run(input),
    },
    commands: limitsCommands(api.limits),
    panels: limitsPanels(api.limits),
    health: () => healthOf(watch),
    explain: (input) => explainLimits(input, store),
    check: () => registry.problems(),
    async start() {
      if (host.mode !== "worker") return;
      assertRight(registry);
      await Promise.all([open(), warmUp()]);
      start();
      endOptions ??= host.onOptions((next) => {
        registry.replace(next);
        try {
          assertRight(registry);
        } catch (error) {
          registry.replace(options);
          throw error;
        }
        options = next;
      });
    },
    async stop() {
      endOptions?.();
      endOptions = undefined;
      await stop();
    },
  };
}

function assertRight(registry: Registry): void {
  const problems = registry.problems();
  if (problems.length > 0)
    throw new ConfigurationError(problems.map((problem) => `plugin rateLimit, ${problem}`));
}

function healthOf({ problem }: StoreWatch): Health {
  return problem === undefined
    ? { status: "ok" }
    : { status: "degraded", detail: `limits: the store does not answer: ${problem}` };
}
