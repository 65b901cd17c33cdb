import type { StepShape } from "./definition.ts";

/** A step's place among the others, by number: what the database knows of it. */
interface GraphStep {
  readonly id: string;
  readonly needs: readonly number[];
  readonly next: readonly number[];
  /** Everything that depends on it, directly or through others. */
  readonly later: readonly number[];
}

/** Steps by number: their place in the definition. */
export type Graph = readonly GraphStep[];

/** Ids of what a step depends on; the step before it unless it says so. */
export function dependenciesOf(steps: readonly StepShape[], index: number): readonly string[] {
  const own = steps[index]?.dependsOn;
  if (own !== undefined) return [...new Set(own)];
  const before = steps[index - 1];
  return before === undefined ? [] : [before.id];
}

/** The numbers of a graph whose ids are unique and known. */
export function toGraph(steps: readonly StepShape[]): Graph {
  const numbers = new Map(steps.map(({ id }, number) => [id, number]));
  const needs = steps.map((_, index) =>
    dependenciesOf(steps, index).map((id) => numbers.get(id) as number),
  );
  const next: number[][] = steps.map(() => []);
  for (const [number, all] of needs.entries()) for (const one of all) next[one]?.push(number);
  return steps.map(({ id }, number) => ({
    id,
    needs: needs[number] ?? [],
    next: next[number] ?? [],
    later: reachable(next, number),
  }));
}

function reachable(next: readonly (readonly number[])[], from: number): number[] {
  const seen = new Set<number>();
  const open = [...(next[from] ?? [])];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (seen.has(one)) continue;
    seen.add(one);
    open.push(...(next[one] ?? []));
  }
  return [...seen].sort((a, b) => a - b);
}

/** The path of a cycle, its first id once more at its end; undefined without one. Unknown ids are passed over. */
export function findCycle(steps: readonly StepShape[]): readonly string[] | undefined {
  const needs = new Map(steps.map(({ id }, index) => [id, dependenciesOf(steps, index)]));
  const done = new Set<string>();
  for (const { id } of steps) {
    const path = walk(id, needs, done, []);
    if (path !== undefined) return path;
  }
  return undefined;
}

function walk(
  id: string,
  needs: ReadonlyMap<string, readonly string[]>,
  done: Set<string>,
  path: readonly string[],
): readonly string[] | undefined {
  const at = path.indexOf(id);
  if (at >= 0) return [...path.slice(at), id];
  if (done.has(id)) return undefined;
  for (const need of needs.get(id) ?? []) {
    const found = walk(need, needs, done, [...path, id]);
    if (found !== undefined) return found;
  }
  done.add(id);
  return undefined;
}
