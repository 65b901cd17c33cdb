import { printPath, printValue } from "../print-value.ts";
import { didYouMean } from "../suggest.ts";
import type { OptionIssue } from "../validate.ts";
import type { EnvEntry } from "./environment.ts";
import { InvalidOverlayError } from "./errors.ts";
import { isSameName, matchKeys, toOptionName } from "./key-names.ts";
import { type MergePlace, mergeOptions } from "./merge.ts";
import type { Overlay } from "./overlay.ts";
import { isDangerousKey, isPlainObject, type PlainObject } from "./plain-object.ts";
import { ENABLED } from "./shape.ts";

/**
 * Names of options that a variable may mean besides those that are set: the top-level ones, or those at
 * any path (`(path) => schemaKeys(schema, path)`).
 */
export type KnownKeys = Iterable<string> | ((path: readonly string[]) => Iterable<string>);

/** A plugin's options with the overlay applied. */
export interface Overlaid {
  /** False when the overlay says `enabled: false`. */
  readonly enabled: boolean;
  /** Still to be validated by the plugin's schema; the very options that were given when the overlay has none. */
  readonly options: unknown;
}

/**
 * Lays the overlay's `plugins.<name>` over a plugin's options: first the file's, then each variable's.
 *
 * @param overlay - from `loadOverlay`
 * @param pluginName - the plugin's name
 * @param options - what was set in code; never changed
 * @param knownKeys - for variables that set an option which is not set in code
 * @throws InvalidOverlayError where the overlay does not fit what was set in code
 */
export function overlayFor(
  overlay: Overlay,
  pluginName: string,
  options: unknown,
  knownKeys?: KnownKeys,
): Overlaid {
  const target: Target = {
    overlay,
    section: ["plugins", pluginName],
    known: withEnabled(lookUp(knownKeys)),
  };
  let enabled = true;
  let merged = options;
  for (const layer of layersOf(target)) {
    const { [ENABLED]: isEnabled, ...rest } = layer(merged);
    if (typeof isEnabled === "boolean") enabled = isEnabled;
    if (Object.keys(rest).length > 0) merged = mergeOptions(merged, rest, placeOf(target));
  }
  return { enabled, options: merged };
}

/**
 * Lays the overlay's `worker` over graphile-worker's own options.
 *
 * @param options - what was set in code; never changed
 * @param knownKeys - names of graphile-worker's options, for variables
 * @returns the merged options; the very options that were given when the overlay has none
 * @throws InvalidOverlayError where the overlay does not fit what was set in code
 */
export function overlayForWorker<T>(overlay: Overlay, options: T, knownKeys?: KnownKeys): T {
  const target: Target = { overlay, section: ["worker"], known: lookUp(knownKeys) };
  let merged: unknown = options;
  for (const layer of layersOf(target))
    merged = mergeOptions(merged, layer(merged), placeOf(target));
  return merged as T;
}

/**
 * Checks that every plugin that the overlay names is installed.
 *
 * @throws InvalidOverlayError with each one that is not, where it is named, and the one probably meant
 */
export function checkOverlayNames(overlay: Overlay, installedNames: Iterable<string>): void {
  const installed = [...installedNames];
  const inFile = Object.keys((overlay.document?.value.plugins as object | null | undefined) ?? {});
  const issues = inFile
    .filter((name) => !installed.includes(name))
    .map((name) => notInstalled(name, overlay, installed));
  for (const { segments, value } of overlay.variables) {
    const names = pluginsOf(segments, value).filter(
      (name) => matchKeys(name, installed).length === 0,
    );
    issues.push(...names.map((name) => notInstalled(name, overlay, installed)));
  }
  if (issues.length > 0) throw new InvalidOverlayError(issues);
}

function pluginsOf(segments: readonly string[], value: unknown): string[] {
  const [section = "", name] = segments;
  if (!isSameName(section, "plugins")) return [];
  return name === undefined ? Object.keys((value as object | null) ?? {}) : [name];
}

function notInstalled(name: string, overlay: Overlay, installed: readonly string[]): OptionIssue {
  const path = ["plugins", name];
  const remedy =
    didYouMean(name, installed) ||
    `; installed: ${installed.length === 0 ? "none" : installed.join(", ")}`;
  const origin = overlay.origin(path);
  const message = `no plugin ${printValue(name)} is installed${remedy}`;
  return { path: printPath(path), message, ...(origin === undefined ? {} : { origin }) };
}

type LookUp = (path: readonly string[]) => Iterable<string>;

/** A part of the overlay, and what is known of it. */
interface Target {
  readonly overlay: Overlay;
  readonly section: readonly string[];
  readonly known: LookUp;
}

function lookUp(known: KnownKeys = []): LookUp {
  if (typeof known === "function") return known;
  const top = [...known];
  return (path) => (path.length === 0 ? top : []);
}

function withEnabled(known: LookUp): LookUp {
  return (path) => (path.length === 0 ? [...known(path), ENABLED] : known(path));
}

function placeOf({ overlay, section }: Target): MergePlace {
  return { path: section, origin: overlay.origin };
}

/** What the file and each variable say about the section, given what the options are by then. */
function layersOf(target: Target): ((options: unknown) => PlainObject)[] {
  const { overlay, section } = target;
  const file = at(overlay.document?.value, section);
  const variables = overlay.variables.filter(({ segments }) => reaches(segments, section));
  return [
    ...(isPlainObject(file) ? [() => file] : []),
    ...variables.map((entry) => (options: unknown) => readEntry(entry, target, options)),
  ];
}

function reaches(segments: readonly string[], section: readonly string[]): boolean {
  return segments.every(
    (segment, index) => index >= section.length || isSameName(segment, section[index] as string),
  );
}

function readEntry(entry: EnvEntry, target: Target, options: unknown): PlainObject {
  const { segments, value } = entry;
  const { section } = target;
  if (segments.length <= section.length) {
    const inner = at(value, section.slice(segments.length));
    return isPlainObject(inner) ? inner : {};
  }
  const keys: string[] = [];
  let holder = options;
  for (const segment of segments.slice(section.length)) {
    const key = keyOf(segment, holder, keys, entry, target);
    keys.push(key);
    holder = at(holder, [key]);
  }
  return keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as PlainObject;
}

/** The key that a segment means: one that is set, one that is known, or the usual spelling of an option. */
function keyOf(
  segment: string,
  holder: unknown,
  path: readonly string[],
  { variable }: EnvEntry,
  target: Target,
): string {
  const place = printPath([...target.section, ...path]);
  if (Array.isArray(holder)) {
    throw new InvalidOverlayError([
      {
        path: place,
        message: `is a list, which is replaced as a whole: set it to [${printValue("a")}, …]`,
        origin: variable,
      },
    ]);
  }
  const set = isPlainObject(holder)
    ? Object.keys(holder).filter((key) => !isDangerousKey(key))
    : [];
  const [key, other] = matchKeys(segment, [...set, ...target.known(path)]);
  if (key === undefined) return toOptionName(segment);
  if (other === undefined) return key;
  throw new InvalidOverlayError([
    {
      path: place,
      message: `${printValue(segment)} can mean ${printValue(key)} or ${printValue(other)}; set it in the file`,
      origin: variable,
    },
  ]);
}

function at(value: unknown, path: readonly string[]): unknown {
  let inner = value;
  for (const key of path)
    inner = isPlainObject(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined;
  return inner;
}
