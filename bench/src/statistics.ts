/**
 * The middle value; the mean of the two middle ones for an even number of them.
 *
 * @throws RangeError for an empty list: there is no middle of nothing
 */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * The value below which the given share of the values lies, interpolated between neighbours.
 *
 * @param share - from 0 (the smallest) to 1 (the largest)
 * @throws RangeError for an empty list
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError("a quantile needs at least one value, got none");
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] as number;
  const high = sorted[Math.ceil(at)] as number;
  return low + (high - low) * (at - Math.floor(at));
}

/** The smallest and the largest value. */
export interface Spread {
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError for an empty list */
export function spread(values: readonly number[]): Spread {
  return { min: quantile(values, 0), max: quantile(values, 1) };
}
