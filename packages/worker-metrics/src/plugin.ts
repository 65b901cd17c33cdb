import {
  type Duration,
  definePlugin,
  type Plugin,
  type PluginHost,
  type PluginInstance,
  parseDuration,
} from "@oppulence/worker-core";
import { collectDefaultMetrics, Registry } from "prom-client";
import { backendOf, type PromBackend } from "./backend.ts";
import { ClockSync } from "./clock-sync.ts";
import { DatabaseClock } from "./database-clock.ts";
import { DepthSampler } from "./depth-sampler.ts";
import { type Endpoint, type EndpointAddress, serveEndpoint } from "./endpoint.ts";
import { countJobs, jobMetrics } from "./job-metrics.ts";
import {
  type AnyRegistry,
  isRegistry,
  type MetricsOptions,
  metricsOptions,
  type ResolvedMetricsOptions,
} from "./options.ts";
import { showActivity, showDepth } from "./worker-gauges.ts";

/** The plugin's API: `worker.plugins.metrics`. */
export interface MetricsApi {
  /** The registry that holds every metric; add the program's own to it, or serve it elsewhere. */
  readonly registry: AnyRegistry;
  /** Where the endpoint listens; undefined before the start, after the stop, and with `endpoint: false`. */
  address(): EndpointAddress | undefined;
  /** Everything in the registry, in its exposition format; samples what is sampled at a scrape. */
  text(): Promise<string>;
}

declare module "@oppulence/worker-core" {
  interface PluginApis {
    metrics: MetricsApi;
  }
}

/** The plugin that {@link metrics} makes. */
export type MetricsPlugin = Plugin<"metrics", ResolvedMetricsOptions, MetricsApi>;

/**
 * Prometheus metrics of jobs, the queue and the plugins, with an HTTP endpoint for them and for health checks.
 *
 * It uses none of the four hooks: run metrics come from the core's events, so tasks stay as they are. In a
 * client it counts jobs added and dropped. One value may serve several workers of a process, which then
 * share a registry.
 *
 * @throws at start, MetricsEndpointError when the port is in use; InvalidMetricError when `registry` has a
 * metric of another maker under one of the names
 *
 * @example
 * createWorker({ connectionString, tasks, plugins: [metrics({ host: "0.0.0.0" })] });
 */
export function metrics(options: MetricsOptions = {}): MetricsPlugin {
  // The core makes instruments before it validates options; a wrong registry is reported then.
  const registry: AnyRegistry = isRegistry(options.registry) ? options.registry : new Registry();
  const backend = backendOf(registry);
  return definePlugin({
    name: "metrics",
    package: "@oppulence/worker-metrics",
    options,
    optionsSchema: metricsOptions,
    producers: "enforced-at-run",
    meter: backend,
    setup: (host) => setUp(host, registry, backend),
  });
}

function setUp(
  host: PluginHost<ResolvedMetricsOptions>,
  registry: AnyRegistry,
  backend: PromBackend,
): PluginInstance<MetricsApi> {
  const { options } = host;
  const warn = (message: string, error?: unknown) => host.logger.warn(message, { error });
  backend.configure({ maxSeries: options.maxSeries, warn });
  let endpoint: Endpoint | undefined;
  const ends: (() => void)[] = [];

  function measure(): void {
    const tasks = jobMetrics({ backend, options, warn });
    // Known tasks get their labels first, and show zeros before their first job.
    for (const task of host.tasks.keys()) tasks.of(task);
    const clock = new DatabaseClock();
    ends.push(countJobs(host.events, tasks, clock));
    if (host.mode !== "worker") return;
    ends.push(showActivity(backend, host.activity));
    if (options.depthInterval !== false) {
      ends.push(showDepth(backend, tasks, depthSampler(host, options.depthInterval)));
    }
    const sync = new ClockSync(host, clock);
    ends.push(() => sync.stop());
    void sync.run();
  }

  async function stop(): Promise<void> {
    for (const end of ends.splice(0)) end();
    await endpoint?.close();
    endpoint = undefined;
  }

  return {
    api: { registry, address: () => endpoint?.address, text: () => registry.metrics() },
    async start() {
      try {
        measure();
        addDefaultMetrics(registry, options);
        if (options.endpoint) endpoint = await open(host, registry);
      } catch (error) {
        // The core stops only what has started.
        await stop();
        throw error;
      }
    },
    stop,
  };
}

async function open(
  host: PluginHost<ResolvedMetricsOptions>,
  registry: AnyRegistry,
): Promise<Endpoint> {
  const { logger, health, options } = host;
  const endpoint = await serveEndpoint({
    ...options,
    registry,
    health,
    onError: (path, error) =>
      logger.error(`could not answer ${path}: ${messageOf(error)}`, { error }),
  });
  const { url } = endpoint.address;
  logger.info(`metrics at ${url}${options.path}, health at ${url}/healthz and ${url}/readyz`);
  return endpoint;
}

function depthSampler(
  { engine, clock, logger }: PluginHost<unknown>,
  interval: Duration,
): DepthSampler {
  return new DepthSampler({
    read: () => engine.depth(),
    intervalMs: parseDuration(interval, "plugin metrics, depthInterval"),
    clock,
    onError: (error) =>
      logger.warn(`could not sample the queue's depth: ${messageOf(error)}`, { error }),
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function addDefaultMetrics(registry: AnyRegistry, options: ResolvedMetricsOptions): void {
  const wanted = options.defaultMetrics ?? options.registry === undefined;
  // Another worker, or the program itself, may have added them.
  if (wanted && registry.getSingleMetric("process_cpu_seconds_total") === undefined) {
    collectDefaultMetrics({ register: registry as Registry });
  }
}
