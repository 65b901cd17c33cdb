import { definePlugin, type MeterBackend } from "@oppulence/worker-core";

/** A plugin that keeps what is measured: the last value of a gauge, the sum of a counter. */
export function keepingMeter() {
  const values: Record<string, number> = {};
  const seriesOf = (name: string, labels: object | undefined) =>
    labels === undefined ? name : `${name} ${Object.values(labels).join(" ")}`;
  const backend: MeterBackend = {
    counter: ({ name }) => ({
      add(value, labels) {
        const series = seriesOf(name, labels);
        values[series] = (values[series] ?? 0) + value;
      },
    }),
    gauge: ({ name }) => ({
      set(value, labels) {
        values[seriesOf(name, labels)] = value;
      },
      reset() {},
    }),
    histogram: () => ({ record() {} }),
  };
  const plugin = definePlugin({
    name: "meter",
    producers: "not-covered",
    meter: backend,
    setup: () => ({}),
  });
  return { plugin, values };
}
