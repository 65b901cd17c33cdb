import type {
  AnyPlugin,
  GaugeDefinition,
  MeterBackend,
  MetricLabels,
} from "@oppulence/worker-core";
import { definePlugin } from "@oppulence/worker-core";

/** What {@link recordingMeter} makes. */
export interface RecordingMeter {
  /** Goes into the worker's plugins. */
  readonly plugin: AnyPlugin;
  /**
   * What was recorded last, by series: `jobs_total{reason=late,task=pay}`, labels in the order of their names,
   * `jobs_stuck{}` without any. The sum of a counter, the last value of a gauge; histograms are not kept.
   */
  value(series: string): number | undefined;
  /** Collects the gauges that are sampled at a scrape, then gives the series whose name begins so. */
  scrape(prefix: string): Promise<Record<string, number>>;
}

/** A plugin that keeps what is measured, for tests of metrics. */
export function recordingMeter(): RecordingMeter {
  const values = new Map<string, number>();
  const gauges: GaugeDefinition[] = [];
  const key = (name: string, labels: MetricLabels = {}) =>
    `${name}{${Object.entries(labels)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([label, value]) => `${label}=${value}`)
      .join(",")}}`;
  const gaugeOf = ({ name }: { readonly name: string }) => ({
    set: (value: number, labels?: MetricLabels) => void values.set(key(name, labels), value),
    reset() {
      for (const each of values.keys()) if (each.startsWith(`${name}{`)) values.delete(each);
    },
  });
  const meter: MeterBackend = {
    counter: ({ name }) => ({
      add: (value, labels) =>
        void values.set(key(name, labels), (values.get(key(name, labels)) ?? 0) + value),
    }),
    gauge(definition) {
      gauges.push(definition as GaugeDefinition);
      return gaugeOf(definition);
    },
    histogram: () => ({ record() {} }),
  };
  const plugin = definePlugin({
    name: "meter",
    producers: "not-covered",
    meter,
    setup: () => ({}),
  });
  return {
    plugin,
    value: (series) => values.get(series),
    async scrape(prefix) {
      for (const definition of gauges) await definition.collect?.(gaugeOf(definition));
      return Object.fromEntries(
        [...values]
          .filter(([name]) => name.startsWith(prefix))
          .sort(([a], [b]) => a.localeCompare(b)),
      );
    },
  };
}
