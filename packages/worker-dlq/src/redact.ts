/** What stands in place of a redacted value. */
const REDACTED = "[redacted]";

/** A payload with values replaced, and where. */
export interface Redaction {
  readonly payload: unknown;
  /** Paths of the values that were there: `payload.cards.0.number`. Empty when there was none. */
  readonly paths: readonly string[];
}

/**
 * Replaces values at paths. The payload itself stays as it is: what lies on the way is copied.
 *
 * @param payload - as parsed from JSON
 * @param paths - from the payload on, with `*` for every key or entry: `payload.cards.*.number`
 */
export function redact(payload: unknown, paths: readonly string[]): Redaction {
  const done: string[] = [];
  let redacted = payload;
  for (const path of paths) {
    const [root = "", ...keys] = path.split(".");
    redacted = replaceAt(redacted, keys, root, done);
  }
  return { payload: redacted, paths: done };
}

function replaceAt(value: unknown, keys: readonly string[], at: string, done: string[]): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) {
    // A value that another path has replaced already.
    if (value !== REDACTED) done.push(at);
    return REDACTED;
  }
  if (typeof value !== "object" || value === null) return value;
  const found = key === "*" ? Object.keys(value) : Object.hasOwn(value, key) ? [key] : [];
  if (found.length === 0) return value;
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
  for (const name of found) {
    // Assigning to `__proto__`, which JSON may well hold, would do something else.
    const inner = replaceAt(copy[name], rest, `${at}.${name}`, done);
    Object.defineProperty(copy, name, {
      value: inner,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return copy;
}
