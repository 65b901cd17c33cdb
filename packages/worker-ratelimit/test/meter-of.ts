import type { Meter, MeterBackend } from "@oppulence/worker-core";
import type { RecordingMeter } from "@oppulence/worker-testing";

/** The meter of a recording plugin, without a worker around it. */
export function meterOf({ plugin }: RecordingMeter): Meter {
  const backend = plugin.meter as MeterBackend;
  return {
    enabled: true,
    counter: (definition) => backend.counter(definition),
    gauge: (definition) => backend.gauge(definition),
    histogram: (definition) => backend.histogram(definition),
  };
}
