/** Wrappers around wrappers: deeper causes are not looked at, and a circle of them ends here. */
const DEEPEST = 8;

/**
 * Reads a property of anything that was thrown.
 *
 * @returns undefined where there is none, or where reading it throws
 */
export function readProperty(value: unknown, key: string): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null)
    return undefined;
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/**
 * An error and its causes, outermost first, at most eight of them.
 *
 * Clients wrap what went wrong (`fetch` throws a `TypeError` whose cause has the code `ECONNREFUSED`), and
 * tasks wrap what clients throw.
 */
export function causesOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  let at: unknown = error;
  while (at !== undefined && at !== null && chain.length < DEEPEST && !chain.includes(at)) {
    chain.push(at);
    at = readProperty(at, "cause");
  }
  return chain;
}

/** Whether an error, or one of its causes, has one of these names or codes. */
export function isNamed(error: unknown, names: readonly string[]): boolean {
  return causesOf(error).some((each) =>
    [readProperty(each, "code"), readProperty(each, "name")].some(
      (got) => typeof got === "string" && names.includes(got),
    ),
  );
}

/**
 * What went wrong, one error each: the entries of a batch job's `AggregateError`, or the error itself.
 *
 * graphile-worker's batch jobs fail with one `AggregateError` for all entries that failed.
 */
export function partsOf(error: unknown): readonly unknown[] {
  if (readProperty(error, "name") !== "AggregateError") return [error];
  const errors = readProperty(error, "errors");
  return Array.isArray(errors) && errors.length > 0 ? errors : [error];
}
