/** Values of a metric's labels, by label name. */
export type MetricLabels = Readonly<Record<string, string | number>>;

/** What a metric is called and means, in Prometheus's terms. */
export interface MetricDefinition<L extends string = string> {
  /** Snake case with a unit suffix: `worker_job_duration_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly L[];
}

/** Upper bounds of a histogram's buckets, in the metric's unit. */
export interface HistogramDefinition<L extends string = string> extends MetricDefinition<L> {
  readonly buckets?: readonly number[];
}

/** A gauge may be sampled when it is read. */
export interface GaugeDefinition<L extends string = string> extends MetricDefinition<L> {
  /** Called before each reading; sets the gauge. Bounded in time by the backend. */
  readonly collect?: (gauge: Gauge<L>) => void | Promise<void>;
}

/** Only ever grows. */
export interface Counter<L extends string = string> {
  add(value: number, labels?: Readonly<Record<L, string | number>>): void;
}

/** Goes up and down. */
export interface Gauge<L extends string = string> {
  set(value: number, labels?: Readonly<Record<L, string | number>>): void;
  /** Forgets every label combination; for gauges that are sampled whole. */
  reset(): void;
}

/** A distribution. */
export interface Histogram<L extends string = string> {
  record(value: number, labels?: Readonly<Record<L, string | number>>): void;
}

/** Makes instruments. One definition by name: asking again returns the same instrument. */
export interface MeterBackend {
  counter<L extends string>(definition: MetricDefinition<L>): Counter<L>;
  gauge<L extends string>(definition: GaugeDefinition<L>): Gauge<L>;
  histogram<L extends string>(definition: HistogramDefinition<L>): Histogram<L>;
}

/** A meter that plugins and the core use; without a backend every instrument does nothing. */
export interface Meter extends MeterBackend {
  /** False without a backend: then measuring itself can be left out on hot paths. */
  readonly enabled: boolean;
}

const noopCounter: Counter = { add() {} };
const noopGauge: Gauge = { set() {}, reset() {} };
const noopHistogram: Histogram = { record() {} };

/** The meter without a backend. */
export const noopMeter: Meter = {
  enabled: false,
  counter: () => noopCounter,
  gauge: () => noopGauge,
  histogram: () => noopHistogram,
};

/** The meter on a backend, or the one that does nothing. */
export function createMeter(backend: MeterBackend | undefined): Meter {
  if (backend === undefined) return noopMeter;
  return {
    enabled: true,
    counter: (definition) => backend.counter(definition),
    gauge: (definition) => backend.gauge(definition),
    histogram: (definition) => backend.histogram(definition),
  };
}
