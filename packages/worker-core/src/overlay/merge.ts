import { printValue } from "../print-value.ts";
import { InvalidOverlayError } from "./errors.ts";
import { isDangerousKey, isPlainObject, type PlainObject } from "./plain-object.ts";

type Path = readonly string[];

/** What the merge is told for its messages. */
export interface MergePlace {
  /** Path of the options in the overlay: `["plugins", "cron"]`. */
  readonly path: Path;
  /** Where the overlay's value at a path came from. */
  readonly origin: (path: Path) => string | undefined;
}

/**
 * Lays an overlay over options, without changing either.
 *
 * Plain objects are merged key by key, arrays and all other values replace what was there, `null`
 * removes it. What the overlay does not mention is passed on as it is, functions and instances of
 * classes included.
 *
 * @param options - set in code; undefined counts as none
 * @param overlay - plain data from a file or a variable
 * @throws InvalidOverlayError where the overlay has an object and the options have a function or an
 * instance of a class: neither can be merged into
 */
export function mergeOptions(
  options: unknown,
  overlay: PlainObject,
  place: MergePlace,
): PlainObject {
  if (options !== undefined && options !== null && !isPlainObject(options))
    throw conflict(options, place);
  const merged: PlainObject = { ...options };
  for (const [key, value] of Object.entries(overlay)) {
    // The parsers reject such keys; this one would write to the prototype of every object.
    if (isDangerousKey(key)) continue;
    if (value === null) delete merged[key];
    else merged[key] = mergeValue(merged, key, value, { ...place, path: [...place.path, key] });
  }
  return merged;
}

function mergeValue(options: PlainObject, key: string, value: unknown, place: MergePlace): unknown {
  if (!isPlainObject(value)) return structuredClone(value);
  const current = Object.hasOwn(options, key) ? options[key] : undefined;
  return mergeOptions(isReplaceable(current) ? undefined : current, value, place);
}

/** Data of another kind gives way to an object; code does not. */
function isReplaceable(value: unknown): boolean {
  return Array.isArray(value) || (typeof value !== "object" && typeof value !== "function");
}

function conflict(options: unknown, place: MergePlace): InvalidOverlayError {
  const origin = place.origin(place.path);
  const message = `is ${printValue(options)}, set in code: an object cannot be merged into it`;
  return new InvalidOverlayError([
    { path: place.path.join("."), message, ...(origin === undefined ? {} : { origin }) },
  ]);
}
