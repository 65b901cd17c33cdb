import type { Counter } from "@oppulence/worker-core";
import { InvalidMetricError } from "./errors.ts";
import { Instrument, type Sample } from "./instrument.ts";
import type { GivenLabels, Series } from "./series.ts";

/** The value of one label combination of a counter or a gauge. */
export interface NumberCell {
  value: number;
}

/** Only ever grows. */
export class CounterInstrument extends Instrument<NumberCell> implements Counter {
  override readonly type = "counter";

  /**
   * @param value - zero or more
   * @throws InvalidMetricError for a value that is negative or not finite
   */
  add(value: number, labels?: GivenLabels): void {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new InvalidMetricError(this.name, `got ${value}; a counter grows by a finite number`);
    }
    this.table.cell(labels).value += value;
  }

  override reset(): void {
    for (const { cell } of this.table.series) cell.value = 0;
  }

  protected override samples({ labels, cell }: Series<NumberCell>): Sample[] {
    return [{ labels, value: cell.value }];
  }
}
