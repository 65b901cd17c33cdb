/**
 * The order in which one round measures its cases: as given, then backwards, then as given again. A machine
 * that slows down or speeds up over the minutes so weighs on every case alike.
 *
 * @param round - counted from 0
 */
export function roundOrder<T>(cases: readonly T[], round: number): T[] {
  return round % 2 === 0 ? [...cases] : cases.toReversed();
}
