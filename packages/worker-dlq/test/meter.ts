import type { GaugeDefinition, MeterBackend, MetricLabels } from "@oppulence/worker-core";
import { definePlugin } from "@oppulence/worker-core";

/** A plugin that keeps what is measured, by name and labels. */
export function recordingMeter() {
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
    /** What a scrape shows of metrics whose name begins so. */
    async scrape(prefix: string): Promise<Record<string, number>> {
      for (const definition of gauges) await definition.collect?.(gaugeOf(definition));
      return Object.fromEntries(
        [...values]
          .filter(([name]) => name.startsWith(prefix))
          .sort(([a], [b]) => a.localeCompare(b)),
      );
    },
  };
}
