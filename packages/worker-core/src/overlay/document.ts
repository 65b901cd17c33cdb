import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type Document as YamlDocument,
} from "yaml";
import { messageOf } from "../errors.ts";
import { printPath, printValue } from "../print-value.ts";
import type { OptionIssue } from "../validate.ts";
import { InvalidOverlayError } from "./errors.ts";
import { type DataFault, findFaults, isPlainObject, type PlainObject } from "./plain-object.ts";

/** Times that anchors may be used, all in all: nested ones grow into gigabytes ("billion laughs"). */
const MAX_ALIASES = 100;

type Path = readonly (string | number)[];

/** The overlay's file, read. */
export interface OverlayDocument {
  readonly value: PlainObject;
  /** `worker.yaml:3:7` for a path that is in the file. */
  readonly locate: (path: Path) => string | undefined;
}

/**
 * Reads a YAML or JSON document; JSON is read as the YAML that it is.
 *
 * @param text - the document
 * @param file - its name, for messages
 * @throws InvalidOverlayError with file, line and column: for a syntax error, a repeated key, an unknown
 * tag, several documents, too many aliases, a key that could reach a prototype, and anything but an object
 */
export function parseOverlayDocument(text: string, file: string): OverlayDocument {
  const lines = new LineCounter();
  const placeOf = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const document = parse(text, file, lines);
  const issues = [...document.errors, ...document.warnings, ...lostAliases(document)].map(
    ({ message, pos }) => ({ path: "", message, origin: placeOf(pos[0]) }),
  );
  if (issues.length > 0) throw new InvalidOverlayError(issues);
  const value = toPlainObject(document, file);
  const locate = (path: Path): string | undefined => {
    const offset = offsetOf(document, path);
    return offset === undefined ? undefined : placeOf(offset);
  };
  assertSafe(value, locate);
  return { value, locate };
}

function parse(text: string, file: string, lineCounter: LineCounter): YamlDocument.Parsed {
  try {
    return parseDocument(text, {
      lineCounter,
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: true,
    });
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** The parser finds these only when it makes values, and then does not say where. */
function lostAliases(document: YamlDocument): { message: string; pos: readonly [number] }[] {
  const lost: { message: string; pos: readonly [number] }[] = [];
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return;
      const message = `the alias *${alias.source} has no anchor before it`;
      lost.push({ message, pos: [alias.range?.[0] ?? 0] });
    },
  });
  return lost;
}

function toPlainObject(document: YamlDocument, file: string): PlainObject {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw unreadable(file, error);
  }
  if (value === null || value === undefined) return {};
  if (isPlainObject(value)) return value;
  const message = `expected an object with the keys "plugins" and "worker", got ${printValue(value)}`;
  throw new InvalidOverlayError([{ path: "", message, origin: file }]);
}

/** Too many aliases, or brackets nested so deep that the parser's stack does not suffice. */
function unreadable(file: string, cause: unknown): InvalidOverlayError {
  return new InvalidOverlayError([{ path: "", message: messageOf(cause), origin: file }], {
    cause,
  });
}

function assertSafe(value: PlainObject, locate: (path: Path) => string | undefined): void {
  const issues = findFaults(value).map((fault) => faultIssue(fault, locate(fault.path)));
  if (issues.length > 0) throw new InvalidOverlayError(issues);
}

/** The issue about data that options cannot have. */
export function faultIssue({ path, message }: DataFault, origin: string | undefined): OptionIssue {
  return { path: printPath(path), message, ...(origin === undefined ? {} : { origin }) };
}

/** Position of a key, or of an item of a list, in characters from the start. */
function offsetOf(document: YamlDocument, path: Path): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined = (node as Node | null)?.range?.[0];
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(segment),
      ) as Pair<Node, Node> | undefined;
      if (pair === undefined) return undefined;
      offset = pair.key.range?.[0];
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(segment)];
      if (node === undefined) return undefined;
      offset = (node as Node).range?.[0];
    } else {
      return undefined;
    }
  }
  return offset;
}
