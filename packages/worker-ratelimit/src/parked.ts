/** Jobs that wait for a place come by themselves only where the store has lost its lines, and not together then. */
const PARKED_MS = 15 * 60_000;
const SPREAD_MS = 5 * 60_000;

/**
 * How far ahead a job is parked that waits for a place: whoever leaves one wakes the next.
 *
 * @param random - from 0 to 1
 */
export function parkedForMs(random: number): number {
  return PARKED_MS + random * SPREAD_MS;
}
