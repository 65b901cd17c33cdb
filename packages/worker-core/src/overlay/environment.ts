import { isScalar, parseDocument } from "yaml";
import { printValue } from "../print-value.ts";
import type { OptionIssue } from "../validate.ts";
import { faultIssue } from "./document.ts";
import { looseName } from "./key-names.ts";
import { findFaults, isDangerousKey } from "./plain-object.ts";

/** Start of the variables that override options. */
const ENV_PREFIX = "OPPULENCE_WORKER__";
/** The variable that names the overlay's file. */
export const ENV_FILE = "OPPULENCE_WORKER_CONFIG";

const SEPARATOR = "__";

/** One environment variable of the overlay. */
export interface EnvEntry {
  /** Its whole name, for messages. */
  readonly variable: string;
  /** `["PLUGINS", "CRON", "ENABLED"]`, as they are spelt. */
  readonly segments: readonly string[];
  /** Its value, parsed. */
  readonly value: unknown;
}

/**
 * Reads the variables that start with `OPPULENCE_WORKER__`; two underscores separate the path's segments.
 *
 * Values are YAML scalars (`10`, `true`, `null`) or, when they start with a bracket or a quote, YAML flow
 * (`[1, 2]`, `{a: 1}`, `"10"`); everything else is text as it is, so that a crontab's stars or `a: b #c`
 * need no quotes. An empty variable counts as not set.
 *
 * @param env - the environment
 * @param issues - what is wrong is added here
 * @returns entries in the order in which they apply: shorter paths first, then by name
 */
export function readEnvironment(env: NodeJS.ProcessEnv, issues: OptionIssue[]): EnvEntry[] {
  const entries: EnvEntry[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(ENV_PREFIX) || text === undefined || text.trim() === "") continue;
    const entry = readVariable(variable, text, issues);
    if (entry !== undefined) entries.push(entry);
  }
  return entries.sort(
    (a, b) => a.segments.length - b.segments.length || (a.variable < b.variable ? -1 : 1),
  );
}

function readVariable(variable: string, text: string, issues: OptionIssue[]): EnvEntry | undefined {
  const segments = variable.slice(ENV_PREFIX.length).split(SEPARATOR);
  const problem = problemOf(segments);
  if (problem !== undefined) {
    issues.push({ path: "", message: problem, origin: variable });
    return undefined;
  }
  const { value, fault } = parseValue(text);
  if (fault !== undefined) {
    issues.push({
      path: "",
      message: `got ${printValue(text, variable)}: ${fault}`,
      origin: variable,
    });
    return undefined;
  }
  const faults = findFaults(value);
  issues.push(...faults.map((found) => faultIssue(found, variable)));
  return faults.length > 0 ? undefined : { variable, segments, value };
}

function problemOf(segments: readonly string[]): string | undefined {
  const wrong = segments.find((segment) => looseName(segment) === "");
  if (wrong !== undefined)
    return `a segment of the path is ${printValue(wrong)}; two underscores separate names`;
  const dangerous = segments.find((segment) => isDangerousKey(looseName(segment)));
  return dangerous === undefined ? undefined : `the key ${printValue(dangerous)} is not allowed`;
}

const FLOW = /^\s*[[{"']/;
/** What a YAML scalar that is not text can look like; `-` and `---` are no scalars to YAML. */
const WORD = /^(?=.*[A-Za-z\d])[\w.+-]+$/;
const NULL = "~";

function parseValue(text: string): { value: unknown; fault?: string } {
  const trimmed = text.trim();
  if (trimmed === NULL) return { value: null };
  if (!FLOW.test(text)) return { value: WORD.test(trimmed) ? parseWord(trimmed) : trimmed };
  const document = parseDocument(text, { prettyErrors: false, stringKeys: true });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) return { value: undefined, fault: fault.message };
  // Anchors have no use in one variable; without them no alias can grow.
  try {
    return { value: document.toJS({ maxAliasCount: 0 }) };
  } catch {
    return { value: undefined, fault: "aliases are not allowed" };
  }
}

function parseWord(word: string): unknown {
  const document = parseDocument(word, { prettyErrors: false });
  return document.errors.length === 0 && isScalar(document.contents)
    ? document.contents.value
    : word;
}
