/** Of PostgreSQL's bigint. */
const LARGEST_ID = 2n ** 63n - 1n;

/**
 * Checks that something can be the id of a job.
 *
 * @param where - who was given it, at the start of the message
 * @throws RangeError
 */
export function assertJobId(id: string, where: string): void {
  if (!/^\d{1,19}$/.test(id) || BigInt(id) > LARGEST_ID)
    throw new RangeError(`${where} got the job id ${JSON.stringify(id)}; an id is a whole number`);
}
