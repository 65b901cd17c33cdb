import { printPath, printValue } from "../print-value.ts";
import { didYouMean } from "../suggest.ts";
import type { OptionIssue } from "../validate.ts";
import type { EnvEntry } from "./environment.ts";
import { isSameName } from "./key-names.ts";
import { isPlainObject } from "./plain-object.ts";

/** Top-level keys of the overlay. */
const SECTIONS = ["plugins", "worker"] as const;
/** The key of a plugin's section that is not one of its options. */
export const ENABLED = "enabled";

type Path = readonly string[];

/** Names are compared exactly in a file, loosely in variables. */
interface Layer {
  readonly isSame: (one: string, other: string) => boolean;
  readonly origin: (path: Path) => string | undefined;
  readonly issues: OptionIssue[];
}

/** Checks a file's sections: what is in them is for the plugins' own schemas. */
export function checkDocumentShape(
  value: unknown,
  origin: (path: Path) => string | undefined,
): OptionIssue[] {
  const layer: Layer = { isSame: (one, other) => one === other, origin, issues: [] };
  checkRoot(value, layer);
  return layer.issues;
}

/** The same for a variable. */
export function checkVariableShape({ variable, segments, value }: EnvEntry): OptionIssue[] {
  const layer: Layer = { isSame: isSameName, origin: () => variable, issues: [] };
  const root = segments.reduceRight<unknown>((inner, segment) => ({ [segment]: inner }), value);
  checkRoot(root, layer);
  return layer.issues;
}

function checkRoot(root: unknown, layer: Layer): void {
  for (const [key, value] of Object.entries(root as object)) {
    const section = SECTIONS.find((name) => layer.isSame(name, key));
    if (section === undefined)
      report(layer, [key], `unknown section ${printValue(key)}${remedy(key)}`);
    else if (section === "plugins") checkPlugins(value, [key], layer);
    else checkObject(value, [key], layer);
  }
}

function remedy(key: string): string {
  return (
    didYouMean(key, SECTIONS) ||
    `; it is ${SECTIONS.map((name) => JSON.stringify(name)).join(" or ")}`
  );
}

function checkPlugins(plugins: unknown, path: Path, layer: Layer): void {
  if (!checkObject(plugins, path, layer)) return;
  for (const [name, options] of Object.entries(plugins)) {
    if (checkObject(options, [...path, name], layer)) checkEnabled(options, [...path, name], layer);
  }
}

function checkEnabled(options: Readonly<Record<string, unknown>>, path: Path, layer: Layer): void {
  for (const [key, value] of Object.entries(options)) {
    if (!layer.isSame(key, ENABLED) || typeof value === "boolean" || value === null) continue;
    report(layer, [...path, key], `expected true or false, got ${printValue(value)}`);
  }
}

/** An empty section is read as null. */
function checkObject(value: unknown, path: Path, layer: Layer): value is Record<string, unknown> {
  if (isPlainObject(value)) return true;
  if (value !== null)
    report(layer, path, `expected an object, got ${printValue(value, path.at(-1))}`);
  return false;
}

function report({ issues, origin }: Layer, path: Path, message: string): void {
  const place = origin(path);
  issues.push({
    path: printPath(path),
    message,
    ...(place === undefined ? {} : { origin: place }),
  });
}
