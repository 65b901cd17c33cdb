export type { EndpointAddress } from "./endpoint.ts";
export {
  InvalidMetricError,
  isInvalidMetricError,
  isMetricsEndpointError,
  MetricsEndpointError,
} from "./errors.ts";
export type {
  AnyRegistry,
  MetricsBuckets,
  MetricsOptions,
  ResolvedMetricsOptions,
} from "./options.ts";
export { type MetricsApi, type MetricsPlugin, metrics } from "./plugin.ts";
