import type {
  GaugeDefinition,
  HistogramDefinition,
  MeterBackend,
  MetricDefinition,
} from "@oppulence/worker-core";
import type { Metric } from "prom-client";
import { CounterInstrument, type NumberCell } from "./counter.ts";
import { type CheckedDefinition, checkDefinition, checkSame } from "./definition.ts";
import { InvalidMetricError } from "./errors.ts";
import { GaugeInstrument } from "./gauge.ts";
import { HistogramCell, HistogramInstrument } from "./histogram.ts";
import type { Instrument, InstrumentParts } from "./instrument.ts";
import type { AnyRegistry } from "./options.ts";
import { SeriesTable } from "./series.ts";

/** How long a scrape waits for a gauge's `collect`. */
const COLLECT_MS = 1_000;
const DEFAULT_MAX_SERIES = 1_000;

/** What a {@link PromBackend} is told once the plugin's options are known. */
export interface BackendSettings {
  /** Most label combinations a metric, beside `other`. */
  readonly maxSeries: number;
  readonly warn: (message: string, error?: unknown) => void;
}

/** How an instrument of the plugin's own differs from one that another plugin asks for. */
export interface OwnRules {
  /** The labels are bounded already; no limit on their combinations. */
  readonly bounded: true;
}

/**
 * A meter whose instruments are in a prom-client registry. The core makes its own on it before any option
 * is known; what depends on options is read when it is needed.
 */
export class PromBackend implements MeterBackend {
  readonly #registry: AnyRegistry;
  readonly #instruments = new Map<string, Instrument<any>>();
  readonly #overflowed = new Set<string>();
  readonly #overflow: CounterInstrument;
  #settings: BackendSettings = { maxSeries: DEFAULT_MAX_SERIES, warn: () => {} };

  constructor(registry: AnyRegistry) {
    this.#registry = registry;
    this.#overflow = this.counter(
      {
        name: "worker_metrics_overflow_total",
        help: 'Measurements recorded under "other" because their metric had its most label combinations',
        labels: ["metric"],
      },
      { bounded: true },
    );
  }

  /** Sets what comes from the plugin's options. */
  configure(settings: BackendSettings): void {
    this.#settings = settings;
  }

  /** @throws InvalidMetricError for a definition that Prometheus would not take, or that differs from the first */
  counter(definition: MetricDefinition, rules?: OwnRules): CounterInstrument {
    const checked = checkDefinition("counter", definition);
    return (
      this.#existing(checked) ??
      this.#register(new CounterInstrument(this.#parts(checked, rules, number)))
    );
  }

  /** @throws InvalidMetricError for a definition that Prometheus would not take, or that differs from the first */
  gauge(definition: GaugeDefinition, rules?: OwnRules): GaugeInstrument {
    const checked = checkDefinition("gauge", definition);
    const gauge: GaugeInstrument =
      this.#existing(checked) ?? this.#register(this.#newGauge(checked, rules));
    if (definition.collect !== undefined) gauge.collect = definition.collect;
    return gauge;
  }

  /** @throws InvalidMetricError for a definition that Prometheus would not take, or that differs from the first */
  histogram(definition: HistogramDefinition, rules?: OwnRules): HistogramInstrument {
    const checked = checkDefinition("histogram", definition);
    const { buckets } = checked;
    const parts = this.#parts(checked, rules, () => new HistogramCell(buckets));
    return (
      this.#existing(checked) ?? this.#register(new HistogramInstrument({ ...parts, buckets }))
    );
  }

  #newGauge(checked: CheckedDefinition, rules: OwnRules | undefined): GaugeInstrument {
    return new GaugeInstrument({
      ...this.#parts(checked, rules, number),
      collectMs: COLLECT_MS,
      onCollectError: (metric, error) => {
        this.#settings.warn(`could not sample ${metric}; it has no value until it can be`, error);
      },
    });
  }

  #existing<I>(checked: CheckedDefinition): I | undefined {
    const { name } = checked;
    const held = this.#registry.getSingleMetric(name);
    const existing = this.#instruments.get(name);
    if (existing === undefined) {
      if (held === undefined) return undefined;
      throw new InvalidMetricError(
        name,
        "is in the registry already, and was not made by this plugin; give the plugin a registry of its own, or the other metric another name",
      );
    }
    checkSame(existing, checked);
    if (held === undefined) {
      // The registry was cleared. It knows metrics by the name that they have at this moment.
      existing.name = name;
      this.#register(existing);
    }
    return existing as I;
  }

  #register<I extends Instrument<any>>(instrument: I): I {
    this.#registry.registerMetric(instrument as unknown as Metric);
    this.#instruments.set(instrument.name, instrument);
    return instrument;
  }

  #parts<C>(
    { name, help, labelNames }: CheckedDefinition,
    rules: OwnRules | undefined,
    create: () => C,
  ): InstrumentParts<C> {
    const series = new SeriesTable<C>({
      metric: name,
      labelNames,
      create,
      limit: rules === undefined ? () => this.#settings.maxSeries : () => Number.POSITIVE_INFINITY,
      onOverflow: () => this.#overflows(name),
    });
    return { name, help, labelNames, series };
  }

  #overflows(metric: string): void {
    this.#overflow.add(1, { metric });
    if (this.#overflowed.has(metric)) return;
    this.#overflowed.add(metric);
    this.#settings.warn(
      `metric ${metric} has ${this.#settings.maxSeries} label combinations, the most it may have; further ones are recorded as "other" (option maxSeries)`,
    );
  }
}

const number = (): NumberCell => ({ value: 0 });

const backends = new WeakMap<AnyRegistry, PromBackend>();

/** The one backend of a registry: workers that share a registry share its instruments. */
export function backendOf(registry: AnyRegistry): PromBackend {
  let backend = backends.get(registry);
  if (backend === undefined) {
    backend = new PromBackend(registry);
    backends.set(registry, backend);
  }
  return backend;
}
