import { type Duration, isDuration } from "@oppulence/worker-core";
import type { Registry, RegistryContentType } from "prom-client";
import { z } from "zod";
import { bucketProblem } from "./definition.ts";

/** A prom-client registry, of either exposition format. */
export type AnyRegistry = Registry<RegistryContentType>;

/** Upper bounds of the buckets of the job histograms, in seconds, ascending. */
export interface MetricsBuckets {
  /**
   * Of `worker_job_duration_seconds`.
   * @defaultValue 1 ms to 5 minutes: `[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]`
   */
  readonly duration?: readonly number[];
  /**
   * Of `worker_job_wait_seconds`.
   * @defaultValue 1 ms to 6 hours: `[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300, 1800, 21600]`
   */
  readonly wait?: readonly number[];
}

/** What {@link metrics} takes. All but `registry` may be set by the config overlay. */
export interface MetricsOptions {
  /** Whether to serve HTTP. Off where the program serves the registry itself. @defaultValue `true` */
  readonly endpoint?: boolean;
  /** TCP port; 0 takes a free one, which `api.address()` tells. @defaultValue `9464` */
  readonly port?: number;
  /**
   * Address to listen on. `"0.0.0.0"` for a container, whose scraper and probes come from outside.
   * @defaultValue `"127.0.0.1"`: metrics and health name tasks, plugins and hosts, so nothing is open unless asked
   */
  readonly host?: string;
  /** Path of the metrics; `/healthz` and `/readyz` are fixed. @defaultValue `"/metrics"` */
  readonly path?: string;
  /** A registry of the program's own, to be served along with the worker's metrics. @defaultValue a new one */
  readonly registry?: AnyRegistry;
  /**
   * Whether to add prom-client's process metrics (CPU, memory, event loop, garbage collection).
   * @defaultValue `true`; `false` when `registry` is given, whose owner has them already or does not want them
   */
  readonly defaultMetrics?: boolean;
  /**
   * How old a sample of the queue's depth may be before a scrape takes a new one. False: no sampling, and
   * no `worker_queue_depth` from this worker.
   * @defaultValue `"15s"`
   */
  readonly depthInterval?: Duration | false;
  /** Most tasks that get a label of their own; further ones are counted as `other`. @defaultValue `100` */
  readonly maxTaskLabels?: number;
  /**
   * Most label combinations of each metric that a plugin makes; further ones are recorded as `other`.
   * @defaultValue `1000`
   */
  readonly maxSeries?: number;
  readonly buckets?: MetricsBuckets;
}

const DURATION_BUCKETS = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];
const WAIT_BUCKETS = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300, 1800, 21600,
];
const HEALTH_PATHS = ["/healthz", "/readyz"];

/** Not `instanceof`: the program's prom-client may be another copy than ours. */
export function isRegistry(value: unknown): value is AnyRegistry {
  const registry = value as Partial<AnyRegistry> | null | undefined;
  return (
    typeof registry?.metrics === "function" &&
    typeof registry.registerMetric === "function" &&
    typeof registry.getSingleMetric === "function"
  );
}

const buckets = (defaults: readonly number[]) =>
  z
    .array(z.number())
    .readonly()
    .superRefine((bounds, { addIssue }) => {
      const problem = bucketProblem(bounds);
      if (problem !== undefined) addIssue({ code: "custom", message: problem });
    })
    .default(defaults);

/** Checks and completes {@link MetricsOptions}. */
export const metricsOptions = z.strictObject({
  endpoint: z.boolean().default(true),
  port: z.int().min(0).max(65_535).default(9464),
  host: z.string().min(1).default("127.0.0.1"),
  path: z
    .string()
    .regex(/^\/[^\s?#]*$/, 'expected a path that begins with "/", without "?" or "#"')
    .refine(
      (path) => !HEALTH_PATHS.includes(path),
      "is the path of a health check; take another one",
    )
    .default("/metrics"),
  registry: z
    .custom<AnyRegistry>(isRegistry, "expected a Registry of prom-client, set in code")
    .optional(),
  defaultMetrics: z.boolean().optional(),
  depthInterval: z
    .custom<Duration | false>(
      (value) => value === false || isDuration(value),
      'expected false, or a duration: a number of milliseconds, or a string such as "15s"',
    )
    .default("15s"),
  maxTaskLabels: z.int().min(1).max(10_000).default(100),
  maxSeries: z.int().min(1).max(100_000).default(1_000),
  buckets: z
    .strictObject({ duration: buckets(DURATION_BUCKETS), wait: buckets(WAIT_BUCKETS) })
    .prefault({}),
});

/** {@link MetricsOptions} with nothing left out. */
export type ResolvedMetricsOptions = z.output<typeof metricsOptions>;
