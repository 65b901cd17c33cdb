import type { StandardSchemaV1 } from "@standard-schema/spec";
import { printPath, printValue } from "./print-value.ts";
import { schemaKeys } from "./schema-keys.ts";
import { didYouMean } from "./suggest.ts";

/** One thing that is wrong with a value. */
export interface Issue {
  /** Where in the value: `address.lines[2].zip`; empty for the value itself. */
  readonly path: string;
  /** What was got and what would be right. */
  readonly message: string;
}

/** Issues that are printed; the rest are counted. */
const MAX_PRINTED = 10;
/** Known options that are named where none is near the unknown one. */
const MAX_LISTED = 20;
/** Characters of a schema's own message. */
const MAX_MESSAGE = 500;

type Path = readonly PropertyKey[];

/** What zod 4 adds to the issues of Standard Schema. */
interface ZodIssue extends StandardSchemaV1.Issue {
  readonly code?: unknown;
  readonly keys?: unknown;
  readonly errors?: unknown;
  readonly issues?: unknown;
}

/** An issue with its path still in parts. */
export interface RawIssue {
  readonly path: Path;
  readonly message: string;
  /** The key of `path` that the schema does not know. */
  readonly unknownKey?: string;
}

/**
 * Turns a schema's issues into sentences that name what was got and what would be right.
 *
 * @param schema - the schema that found them; its known options are suggested for misspelt ones
 * @param value - the value that was checked
 */
export function explainIssues(
  schema: unknown,
  value: unknown,
  issues: readonly StandardSchemaV1.Issue[],
): readonly RawIssue[] {
  return issues.flatMap((issue) => explain(schema, value, issue, []));
}

function explain(schema: unknown, value: unknown, issue: ZodIssue, parent: Path): RawIssue[] {
  const path = [...parent, ...keysOf(issue.path ?? [])];
  if (issue.code === "unrecognized_keys" && Array.isArray(issue.keys)) {
    return issue.keys.map((key) => unknownKey(schema, path, String(key)));
  }
  if (issue.code === "invalid_union" && Array.isArray(issue.errors)) {
    return explainUnion(schema, value, issue, path);
  }
  const inner = Array.isArray(issue.issues) ? `: ${messagesOf(issue.issues).join(", ")}` : "";
  return [
    { path, message: withGot(trim(issue.message) + inner, valueAt(value, path), path.at(-1)) },
  ];
}

function unknownKey(schema: unknown, path: Path, key: string): RawIssue {
  return { path, message: unknownOption(key, schemaKeys(schema, path)), unknownKey: key };
}

/** Names an unknown option, and the one that was probably meant or, where none is near, the known ones. */
export function unknownOption(key: string, known: readonly string[]): string {
  const near = didYouMean(key, known);
  const listed =
    near === "" && known.length > 0 ? `; known: ${known.slice(0, MAX_LISTED).join(", ")}` : near;
  return `unknown option ${printValue(key)}${listed}`;
}

/**
 * A union says only "Invalid input". Where the value has the structure of one of the branches, that
 * branch's issues are what its writer needs; otherwise, what each branch would have taken.
 */
function explainUnion(schema: unknown, value: unknown, issue: ZodIssue, path: Path): RawIssue[] {
  const branches = (issue.errors as readonly (readonly ZodIssue[])[]).filter(
    (branch) => branch.length > 0,
  );
  const meant = branches
    .filter((branch) =>
      branch.every((each) => (each.path ?? []).length > 0 || each.code === "unrecognized_keys"),
    )
    .sort((a, b) => a.length - b.length)[0];
  if (meant !== undefined) return meant.flatMap((each) => explain(schema, value, each, path));
  const messages = branches.flatMap(messagesOf);
  const message = messages.length === 0 ? trim(issue.message) : messages.join(", or ");
  return [{ path, message: withGot(message, valueAt(value, path), path.at(-1)) }];
}

function messagesOf(issues: readonly StandardSchemaV1.Issue[]): string[] {
  return [...new Set(issues.map((issue) => trim(issue.message)))];
}

/** zod starts most of its messages so; the path before it says as much. Some vendors print the whole value. */
function trim(message: string): string {
  const trimmed = message.replace(/^Invalid input: /, "");
  return trimmed.length > MAX_MESSAGE ? `${trimmed.slice(0, MAX_MESSAGE)}…` : trimmed;
}

function withGot(message: string, got: unknown, key: PropertyKey | undefined): string {
  // zod ends its messages with the type that it received, which says as much of these.
  if ((got === undefined || got === null) && message.endsWith(String(got))) return message;
  return `${message}, got ${printValue(got, typeof key === "string" ? key : "")}`;
}

function keysOf(path: NonNullable<StandardSchemaV1.Issue["path"]>): PropertyKey[] {
  return path.map((segment) => (typeof segment === "object" ? segment.key : segment));
}

function valueAt(value: unknown, path: Path): unknown {
  try {
    let at = value;
    for (const key of path) at = (at as Record<PropertyKey, unknown> | null | undefined)?.[key];
    return at;
  } catch {
    return undefined;
  }
}

/** An issue with its path printed. */
export function toIssue({ path, message }: RawIssue): Issue {
  return { path: printPath(path), message };
}

/**
 * Issues on one line: `to: expected string, received number, got 5; lines[2].zip: …`.
 *
 * @param issues - printed up to ten, then counted
 */
export function formatIssues(issues: readonly Issue[]): string {
  const printed = issues.slice(0, MAX_PRINTED).map(formatIssue);
  return [...printed, ...restOf(issues)].join("; ");
}

/** Issues as a list below a heading, one a line; a single one follows the heading on its line. */
export function listIssues(heading: string, issues: readonly Issue[]): string {
  const [only] = issues;
  if (issues.length === 1 && only !== undefined) return `${heading}: ${formatIssue(only)}`;
  const printed = issues.slice(0, MAX_PRINTED).map(formatIssue);
  return [`${heading}: ${issues.length} problems`, ...printed, ...restOf(issues)].join("\n  - ");
}

function formatIssue({ path, message }: Issue): string {
  return path === "" ? message : `${path}: ${message}`;
}

function restOf(issues: readonly Issue[]): string[] {
  return issues.length > MAX_PRINTED ? [`and ${issues.length - MAX_PRINTED} more`] : [];
}
