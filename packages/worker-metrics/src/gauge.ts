import type { Gauge } from "@oppulence/worker-core";
import type { NumberCell } from "./counter.ts";
import { InvalidMetricError } from "./errors.ts";
import { Instrument, type InstrumentParts, type Reading, type Sample } from "./instrument.ts";
import type { GivenLabels, Series } from "./series.ts";

/** Samples a gauge before it is read. */
export type Collect = (gauge: Gauge) => void | Promise<void>;

/** What a gauge is made of. */
export interface GaugeParts extends InstrumentParts<NumberCell> {
  /** How long a scrape waits for `collect`, in milliseconds. */
  readonly collectMs: number;
  /** Told of an error in `collect`: the first of each row of them. */
  readonly onCollectError: (metric: string, error: unknown) => void;
}

/** Goes up and down, or is sampled when it is read. */
export class GaugeInstrument extends Instrument<NumberCell> implements Gauge {
  override readonly type = "gauge";
  /** The sampling of whoever asked for the gauge last: the one before may have been stopped. */
  collect: Collect | undefined;
  readonly #parts: GaugeParts;
  #collecting: Promise<void> | undefined;
  #failing = false;

  constructor(parts: GaugeParts) {
    super(parts);
    this.#parts = parts;
  }

  /** @throws InvalidMetricError for anything but a number */
  set(value: number, labels?: GivenLabels): void {
    if (typeof value !== "number") {
      throw new InvalidMetricError(this.name, `got ${String(value)}; a gauge is set to a number`);
    }
    this.table.cell(labels).value = value;
  }

  /** Forgets every label combination, one without labels too: no value is better than an old one. */
  override reset(): void {
    this.table.clear();
  }

  /**
   * Samples, then reads. A sampling that takes longer than the bound goes on beside the scrape, which gets
   * the values from before; no second one starts meanwhile. One that fails leaves no values.
   */
  override async get(): Promise<Reading> {
    const collecting = this.#sample();
    if (collecting !== undefined) await within(collecting, this.#parts.collectMs);
    return super.get();
  }

  #sample(): Promise<void> | undefined {
    if (this.collect === undefined || this.#collecting !== undefined) return this.#collecting;
    const answer = this.#call(this.collect);
    if (answer === undefined) return undefined;
    this.#collecting = answer
      .then(
        () => this.#succeeded(),
        (error: unknown) => this.#failed(error),
      )
      .finally(() => {
        this.#collecting = undefined;
      });
    return this.#collecting;
  }

  #call(collect: Collect): Promise<void> | undefined {
    try {
      const answer = collect(this);
      if (answer !== undefined) return answer;
      this.#succeeded();
    } catch (error) {
      this.#failed(error);
    }
    return undefined;
  }

  #succeeded(): void {
    this.#failing = false;
  }

  #failed(error: unknown): void {
    this.reset();
    if (!this.#failing) this.#parts.onCollectError(this.name, error);
    this.#failing = true;
  }

  protected override samples({ labels, cell }: Series<NumberCell>): Sample[] {
    return [{ labels, value: cell.value }];
  }
}

async function within(promise: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
