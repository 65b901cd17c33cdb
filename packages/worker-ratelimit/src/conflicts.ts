import { createHash } from "node:crypto";
import { didYouMean, isDuration, parseDuration, type TaskInfo } from "@oppulence/worker-core";
import { limiterNames, type NamedDefinition } from "./definitions.ts";
import type { LimiterDefinition } from "./options.ts";

/** Options of a definition that are durations: `1000` and `"1s"` are the same. */
const DURATIONS: ReadonlySet<string> = new Set(["period", "maxWait"]);

/**
 * A short hash of a definition: equal for equal ones, in whatever order and unit they are written. Functions are
 * compared by their text, so that two closures over different values look the same.
 */
export function definitionHash(definition: LimiterDefinition): string {
  const entries = Object.entries(definition)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, comparable(name, value)])
    .sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(entries)).digest("hex").slice(0, 16);
}

/**
 * Limiters of one configuration that have the same name and different definitions, one sentence each. Processes of
 * different versions do not see each other's definitions: each goes by its own, over the same counts.
 */
export function conflictsOf(definitions: Iterable<NamedDefinition>): string[] {
  const byName = new Map<string, NamedDefinition>();
  const conflicts: string[] = [];
  for (const each of definitions) {
    const first = byName.get(each.name);
    if (first === undefined) byName.set(each.name, each);
    else if (definitionHash(first.definition) !== definitionHash(each.definition))
      conflicts.push(
        `limiter ${JSON.stringify(each.name)} is defined differently by ${first.where} and ${each.where}; give one of them another name`,
      );
  }
  return conflicts;
}

/** Limiters that tasks name and nobody defines, and those that a task names twice, one sentence each. */
export function wrongNames(names: ReadonlySet<string>, tasks: Iterable<TaskInfo>): string[] {
  return [...tasks].flatMap((task) => {
    const listed = limiterNames(task);
    const twice = new Set(listed.filter((name, at) => listed.indexOf(name) !== at));
    const unknown = new Set(listed.filter((name) => !names.has(name)));
    return [
      ...[...unknown].map(
        (name) =>
          `task ${task.identifier}: no limiter has the name ${JSON.stringify(name)}${didYouMean(name, names)}`,
      ),
      ...[...twice].map(
        (name) => `task ${task.identifier}: limiter ${JSON.stringify(name)} is listed twice`,
      ),
    ];
  });
}

function comparable(name: string, value: unknown): unknown {
  if (typeof value === "function") return `function ${value}`;
  return DURATIONS.has(name) && isDuration(value) ? parseDuration(value, name) : value;
}
