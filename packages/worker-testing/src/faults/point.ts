import { didYouMean } from "@oppulence/worker-core";
import { FaultError } from "./errors.ts";

type When = "before" | "after";
type HookPointName = "beforeEnqueue" | "beforeRun" | "run" | "afterRun" | "onFailure";
type PermitPoint = `permit:${"commit" | "rollback"}` | `permit:${"commit" | "rollback"}:${When}`;

/**
 * A place at which a process can be killed.
 *
 * - `beforeEnqueue:before`, `beforeRun:after`, `afterRun:…`, `onFailure:…`: before the first and after the
 *   last hook of that kind. The second is not reached when a hook stops the job.
 * - `run:before`, `run:after`: around the task itself.
 * - `permit:commit`, `permit:rollback`, each with `:before` (the default) or `:after`: around the first
 *   permit that is settled.
 * - The hooks and permits of one plugin: `beforeRun:after@ratelimit`, `permit:commit:after@ratelimit`.
 * - `insert:before`, `insert:after`: around the statement that adds jobs.
 * - `statement:defer:before`: around a statement by name: the core's (`defer`, `retry`, `exhaust`,
 *   `give_back`, `hold`, `release`, `note`, …) or graphile-worker's (`get_job`, `complete_job`,
 *   `complete_jobs`, `complete_job_q`, `fail_job`, `return_job`, …).
 * - `statement:/^commit/i:after`: around a statement whose name or text matches.
 * - `statement:12` or `statement:12:after`: around the twelfth statement, counted from the pool's first.
 *
 * After a statement means: the database has answered, and nobody has seen the answer yet.
 */
export type FaultPoint =
  | `${HookPointName}:${When}`
  | `${Exclude<HookPointName, "run">}:${When}@${string}`
  | PermitPoint
  | `${PermitPoint}@${string}`
  | `insert:${When}`
  | `statement:${string}`;

/** A parsed {@link FaultPoint}; survives JSON. */
export type ParsedPoint =
  | {
      /** Reached when something calls out this label. */
      readonly kind: "label";
      readonly label: string;
    }
  | {
      readonly kind: "statement";
      readonly when: When;
      readonly name?: string;
      readonly pattern?: { readonly source: string; readonly flags: string };
      /** From 1. */
      readonly index?: number;
    };

const HOOKS = ["beforeEnqueue", "beforeRun", "run", "afterRun", "onFailure"];
const PERMITS = ["permit:commit", "permit:rollback"];
const WHENS = ["before", "after"];
const LABELS = [...HOOKS, ...PERMITS].flatMap((name) => WHENS.map((when) => `${name}:${when}`));
const KNOWN = [...LABELS, ...PERMITS, "insert:before", "insert:after"];
/** Both of the functions by which jobs are added, whatever the schema. */
const INSERT = { source: "\\.add_jobs?\\(", flags: "" };

const STATEMENT =
  /^statement:(?:\/(?<source>.+)\/(?<flags>[a-z]*)|(?<index>\d+)|(?<name>[a-z]\w*))(?::(?<when>before|after))?$/;

/**
 * Parses the name of a point.
 *
 * @throws FaultError `UNKNOWN_POINT`
 */
export function parsePoint(point: FaultPoint): ParsedPoint {
  const groups = STATEMENT.exec(point)?.groups;
  if (groups !== undefined) return parseStatement(groups);
  if (point === "insert:before") return { kind: "statement", when: "before", pattern: INSERT };
  if (point === "insert:after") return { kind: "statement", when: "after", pattern: INSERT };
  const [name = "", plugin] = split(point);
  const label = PERMITS.includes(name) ? `${name}:before` : name;
  const isNamed = plugin !== undefined;
  if (!LABELS.includes(label) || plugin === "" || (isNamed && label.startsWith("run:"))) {
    throw unknownPoint(point, name);
  }
  return { kind: "label", label: isNamed ? `${label}@${plugin}` : label };
}

/** A plugin's name may itself hold an `@`. */
function split(point: string): [string, string?] {
  const at = point.indexOf("@");
  return at < 0 ? [point] : [point.slice(0, at), point.slice(at + 1)];
}

function parseStatement(groups: Record<string, string | undefined>): ParsedPoint {
  const { source, flags = "", index, name } = groups;
  const when = (groups.when ?? "before") as When;
  if (source !== undefined) {
    // A pattern that is none is a mistake of the caller's, not of the child that would use it.
    new RegExp(source, flags);
    return { kind: "statement", when, pattern: { source, flags } };
  }
  if (index !== undefined) return { kind: "statement", when, index: Number(index) };
  return { kind: "statement", when, name: name as string };
}

function unknownPoint(point: string, name: string): FaultError {
  const hint =
    didYouMean(name, KNOWN) ||
    `; it is one of ${KNOWN.join(", ")}, one of those with @<plugin>, or statement:<name, /pattern/ or number>[:before|after]`;
  return new FaultError("UNKNOWN_POINT", `got the fault point ${JSON.stringify(point)}${hint}`);
}
