/**
 * A name as an environment variable can spell it: without case, dashes, underscores and everything else
 * that is neither a letter nor a digit. `NIGHTLY_REPORT`, `nightly-report` and `nightlyReport` are one.
 */
export function looseName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/** Whether two names are spelt alike, see {@link looseName}. */
export function isSameName(one: string, other: string): boolean {
  return one === other || looseName(one) === looseName(other);
}

/**
 * The keys that a variable's segment can mean.
 *
 * @param segment - `NIGHTLY_REPORT`
 * @param keys - keys that exist, or that the schema knows
 * @returns the key that is spelt exactly so, or all that are spelt alike
 */
export function matchKeys(segment: string, keys: Iterable<string>): string[] {
  const all = [...new Set(keys)];
  if (all.includes(segment)) return [segment];
  const loose = looseName(segment);
  return all.filter((key) => looseName(key) === loose);
}

/** The name of an option that nothing is known of: `MAX_PER_SECOND` is `maxPerSecond`; mixed case is left. */
export function toOptionName(segment: string): string {
  if (segment !== segment.toUpperCase()) return segment;
  return segment.toLowerCase().replace(/[_-]+(.)/g, (_, letter: string) => letter.toUpperCase());
}
