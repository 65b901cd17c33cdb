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
 * Whether something that was thrown carries this code.
 *
 * Guards test the code, never `instanceof`: two copies of a package in one program must recognise
 * each other's errors.
 */
export function hasCode(error: unknown, code: string): boolean {
  return readProperty(error, "code") === code;
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
