/** How long a dead letter waits after it was reprocessed, by how often it was before. */
export interface RequeueBackoff {
  /** After the first time it came back, in milliseconds. */
  readonly baseMs: number;
  readonly factor: number;
  readonly maxMs: number;
}

/**
 * Milliseconds until a reprocessed job runs: none the first time, then `base`, `base × factor`, … up to `max`.
 *
 * @param requeueCount - how often it was reprocessed before
 */
export function requeueDelay(
  requeueCount: number,
  { baseMs, factor, maxMs }: RequeueBackoff,
): number {
  if (requeueCount <= 0) return 0;
  // A large power is Infinity, and Infinity times zero is not a number.
  return baseMs === 0 ? 0 : Math.min(maxMs, baseMs * factor ** (requeueCount - 1));
}

/**
 * Milliseconds from the first job's start for each of a crowd that is spread evenly over a time.
 *
 * @param index - from 0
 * @param total - how many there are
 */
export function spreadDelay(index: number, total: number, overMs: number): number {
  return total <= 0 ? 0 : Math.min(overMs, (index / total) * overMs);
}
