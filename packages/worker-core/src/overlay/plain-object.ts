/** An object that may be merged key by key: a literal, or one without a prototype. */
export type PlainObject = Record<string, unknown>;

/** Whether a value is a {@link PlainObject}; arrays, functions and instances of classes are not. */
export function isPlainObject(value: unknown): value is PlainObject {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

const DANGEROUS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Whether a key could reach an object's prototype: no option has such a name. */
export function isDangerousKey(key: string): boolean {
  return DANGEROUS.has(key);
}

/** Deeper than any options; bounds the recursion of everything that walks them. */
const MAX_DEPTH = 64;

/** A place in plain data that options cannot have. */
export interface DataFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * Finds what would harm whoever walks the data: keys that could reach a prototype, lists and objects that
 * contain themselves (YAML's anchors can do that), and nesting without end.
 *
 * @param value - plain data, as a parser returns it
 */
export function findFaults(value: unknown): DataFault[] {
  return faultsIn(value, [], []);
}

function faultsIn(
  value: unknown,
  path: DataFault["path"],
  holders: readonly object[],
): DataFault[] {
  if (typeof value !== "object" || value === null) return [];
  if (holders.includes(value)) return [{ path, message: "contains itself" }];
  if (path.length > MAX_DEPTH) {
    return [{ path: path.slice(0, 1), message: `is nested deeper than ${MAX_DEPTH} levels` }];
  }
  const inside = [...holders, value];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => faultsIn(item, [...path, index], inside));
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    isDangerousKey(key)
      ? [{ path: [...path, key], message: `the key ${JSON.stringify(key)} is not allowed` }]
      : faultsIn(inner, [...path, key], inside),
  );
}
