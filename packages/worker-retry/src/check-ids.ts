/** Of PostgreSQL's bigint. */
const LARGEST_ID = 2n ** 63n - 1n;

/**
 * Checks job ids that a person may have typed.
 *
 * @throws RangeError naming the first that is none
 */
export function checkIds(ids: string | readonly string[]): readonly string[] {
  const all = Array.isArray(ids) ? (ids as readonly string[]) : [ids as string];
  for (const id of all) {
    if (typeof id !== "string" || !/^\d{1,19}$/.test(id) || BigInt(id) > LARGEST_ID)
      throw new RangeError(
        `cancel got the job id ${JSON.stringify(id)}; an id is a string of digits, such as "42"`,
      );
  }
  return all;
}
