import type { GivenLabels, Series, SeriesTable } from "./series.ts";

/** Kinds of instruments, as Prometheus calls them. */
export type InstrumentType = "counter" | "gauge" | "histogram";

/** One line of the exposition. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** The line's name where it is not the metric's: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
}

/** What prom-client's registry reads of a metric. */
export interface Reading {
  readonly name: string;
  readonly help: string;
  readonly type: InstrumentType;
  readonly values: readonly Sample[];
  readonly aggregator: "sum";
}

/** What all instruments are made of. */
export interface InstrumentParts<C> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly series: SeriesTable<C>;
}

/**
 * A metric as prom-client's registry holds it, with values of our own.
 *
 * prom-client's own classes build a text key and check every label on every measurement, four to seven
 * times the cost of this. Its registry only asks a metric for its name and its reading, so counting can be
 * cheap and the exposition still be prom-client's.
 */
export abstract class Instrument<C> {
  /** Not readonly: prom-client's registry takes `_total` off it when it writes OpenMetrics. */
  name: string;
  readonly help: string;
  abstract readonly type: InstrumentType;
  readonly labelNames: readonly string[];
  /** How prom-client adds the metrics of cluster workers up. */
  readonly aggregator = "sum" as const;
  protected readonly table: SeriesTable<C>;

  constructor({ name, help, labelNames, series }: InstrumentParts<C>) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.table = series;
  }

  /**
   * The value of one label combination, to be kept by hot paths. It stays part of the metric until the
   * metric is reset, which for counters and histograms sets it to zero.
   */
  cell(labels?: GivenLabels): C {
    return this.table.cell(labels);
  }

  /** Called by prom-client's registry at each scrape. */
  async get(): Promise<Reading> {
    const { name, help, type, aggregator } = this;
    const values = this.table.series.flatMap((series) => this.samples(series));
    return { name, help, type, values, aggregator };
  }

  /** Called by prom-client's `resetMetrics`. */
  abstract reset(): void;

  /** The lines of one label combination. */
  protected abstract samples(series: Series<C>): readonly Sample[];
}
