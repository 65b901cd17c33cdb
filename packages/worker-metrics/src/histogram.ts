import type { Histogram } from "@oppulence/worker-core";
import { InvalidMetricError } from "./errors.ts";
import { Instrument, type InstrumentParts, type Sample } from "./instrument.ts";
import type { GivenLabels, Series } from "./series.ts";

/** The distribution of one label combination. */
export class HistogramCell {
  readonly #bounds: readonly number[];
  /** Of each bucket alone, not of those below it; the last has no bound. */
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array(bounds.length + 1).fill(0);
  }

  /** Counts a value that is known to be finite. */
  record(value: number): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] as number)) index++;
    (this.#counts[index] as number) += 1;
    this.#sum += value;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#sum = 0;
  }

  /** The lines of the exposition: buckets count what lies at or below their bound. */
  samples(name: string, labels: Readonly<Record<string, string>>): Sample[] {
    let count = 0;
    const buckets = this.#counts.map((own, index) => {
      count += own;
      const le = this.#bounds[index] ?? "+Inf";
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}

/** What a histogram is made of. */
export interface HistogramParts extends InstrumentParts<HistogramCell> {
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

/** A distribution. */
export class HistogramInstrument extends Instrument<HistogramCell> implements Histogram {
  override readonly type = "histogram";
  readonly buckets: readonly number[];

  constructor(parts: HistogramParts) {
    super(parts);
    this.buckets = parts.buckets;
  }

  /** @throws InvalidMetricError for a value that is not finite */
  record(value: number, labels?: GivenLabels): void {
    if (!Number.isFinite(value)) {
      throw new InvalidMetricError(this.name, `got ${value}; a histogram takes finite numbers`);
    }
    this.table.cell(labels).record(value);
  }

  override reset(): void {
    for (const { cell } of this.table.series) cell.reset();
  }

  protected override samples({ labels, cell }: Series<HistogramCell>): Sample[] {
    return cell.samples(this.name, labels);
  }
}
