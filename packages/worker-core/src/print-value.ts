/** Longest text that {@link printValue} returns. */
const MAX_LENGTH = 100;
/** Entries of an object or array that are looked at; what comes after is an ellipsis. */
const MAX_ENTRIES = 8;
const MAX_DEPTH = 3;
const ELLIPSIS = "…";
const UNREADABLE = "(unreadable)";

/** Names of options that hold secrets: their values never get into a message. */
const SECRET_NAME =
  /secret|passw|passphrase|token|api_?-?key|private_?-?key|credential|authorization|connection_?-?string|dsn$/i;
/** The password in a URL such as `postgres://user:password@host`; it may hold `@` and `/` itself. */
const URL_PASSWORD = /(\w+:\/\/[^\s:@/]*):\S*@/g;
/** The password in a query string or a key-value connection string. */
const NAMED_PASSWORD = /\b(password|pwd)=[^\s&;]+/gi;
/** How much of a text is searched for passwords; a payload may hold a string of many megabytes. */
const MAX_SEARCHED = 1_000;

/**
 * A value for an error message: short, on one line, and safe to make.
 *
 * Never throws and never runs long: getters that throw, proxies, circular and huge values are all
 * printed as far as they can be. Passwords in URLs and the values of keys that sound secret are hidden.
 *
 * @param value - anything
 * @param name - name of the option that holds it, to tell secrets
 * @returns at most 100 characters
 */
export function printValue(value: unknown, name = ""): string {
  try {
    return shorten(print(value, name, MAX_DEPTH));
  } catch {
    return UNREADABLE;
  }
}

function shorten(text: string): string {
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH - 1)}${ELLIPSIS}`;
}

function print(value: unknown, name: string, depth: number): string {
  if (value === null || value === undefined) return String(value);
  if (SECRET_NAME.test(name)) return `(${typeof value}, hidden)`;
  switch (typeof value) {
    case "string":
      return printText(value);
    case "bigint":
      return `${value}n`;
    case "function":
      return value.name === "" ? "a function" : `the function ${value.name}`;
    case "object":
      return printObject(value, depth);
    default:
      return String(value);
  }
}

function printText(text: string): string {
  const open = hidePasswords(text.slice(0, MAX_SEARCHED));
  return JSON.stringify(open.length > MAX_LENGTH ? open.slice(0, MAX_LENGTH) + ELLIPSIS : open);
}

/** A text without the passwords of the URLs and connection strings in it. */
export function hidePasswords(text: string): string {
  return text.replace(URL_PASSWORD, "$1:***@").replace(NAMED_PASSWORD, "$1=***");
}

function printObject(value: object, depth: number): string {
  if (Array.isArray(value)) {
    if (depth === 0) return "[…]";
    const items = Array.from({ length: Math.min(value.length, MAX_ENTRIES) }, (_, at) =>
      printEntry(value, at, depth),
    );
    return `[${items.join(", ")}${value.length > MAX_ENTRIES ? `, ${ELLIPSIS}` : ""}]`;
  }
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? "an invalid Date" : value.toISOString();
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return `a ${className(prototype)}`;
  if (depth === 0) return "{…}";
  const keys = Object.keys(value);
  const entries = keys
    .slice(0, MAX_ENTRIES)
    .map((key) => `${printKey(key)}: ${printEntry(value, key, depth)}`);
  return `{${entries.join(", ")}${keys.length > MAX_ENTRIES ? `, ${ELLIPSIS}` : ""}}`;
}

function printEntry(holder: object, key: string | number, depth: number): string {
  try {
    return print((holder as Record<string | number, unknown>)[key], String(key), depth - 1);
  } catch {
    return UNREADABLE;
  }
}

function className(prototype: unknown): string {
  const name: unknown = (prototype as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === "string" && name !== "" ? name : "object";
}

const PLAIN_KEY = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;

function printKey(key: string): string {
  return PLAIN_KEY.test(key) ? key : printText(key);
}

/**
 * A path into a value as a person would write it: `address.lines[2].zip`, `schedules["nightly report"]`.
 *
 * @param path - keys and indexes, outermost first; may hold the `{ key }` segments of Standard Schema
 * @returns the path, or the empty string for the value itself
 */
export function printPath(path: readonly (PropertyKey | { readonly key: PropertyKey })[]): string {
  let printed = "";
  for (const segment of path) {
    const key = typeof segment === "object" ? segment.key : segment;
    printed += printSegment(key, printed === "");
  }
  return printed;
}

/** Dashes are as good as letters here: schedules and tasks are often named with them. */
const PLAIN_SEGMENT = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u;

function printSegment(key: PropertyKey, isFirst: boolean): string {
  if (typeof key === "number") return `[${key}]`;
  if (typeof key === "symbol") return `[${String(key)}]`;
  if (PLAIN_SEGMENT.test(key)) return isFirst ? key : `.${key}`;
  return `[${printText(key)}]`;
}
