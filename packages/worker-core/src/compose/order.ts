import type { HookPlace } from "../contract/hooks.ts";

/** One plugin's hook as it is to be ordered. */
export interface Placed {
  readonly plugin: string;
  readonly place: HookPlace;
  /** Index of the hook's phase; hooks without phases all have 0. */
  readonly phase: number;
}

/** The order cannot be satisfied; `path` is the circle of plugin names, first and last the same. */
export interface Cycle {
  readonly path: readonly string[];
}

/**
 * Orders hooks: by phase, inside a phase by `before`/`after`, then by position in the array.
 *
 * Kahn's algorithm with the ready set kept in array order, so that the result is the input order wherever
 * no constraint says otherwise. Names that are not among the hooks, and names of another phase, are
 * ignored: the phase has already ordered those.
 *
 * @param reversed - after-hooks run in reverse: position then counts from the end
 */
export function orderHooks<T extends Placed>(
  hooks: readonly T[],
  reversed = false,
): readonly T[] | Cycle {
  const positioned = reversed ? [...hooks].reverse() : [...hooks];
  const phases = [...new Set(positioned.map((hook) => hook.phase))].sort((a, b) => a - b);
  const ordered: T[] = [];
  for (const phase of phases) {
    const group = orderGroup(positioned.filter((hook) => hook.phase === phase));
    if ("path" in group) return group;
    ordered.push(...group);
  }
  return ordered;
}

function orderGroup<T extends Placed>(group: readonly T[]): T[] | Cycle {
  const predecessors = predecessorsOf(group);
  const left = [...group];
  const ordered: T[] = [];
  while (left.length > 0) {
    const at = left.findIndex((hook) => predecessors.get(hook.plugin)?.size === 0);
    if (at < 0) return { path: findCycle(left, predecessors) };
    const [hook] = left.splice(at, 1) as [T];
    ordered.push(hook);
    for (const set of predecessors.values()) set.delete(hook.plugin);
  }
  return ordered;
}

function predecessorsOf(group: readonly Placed[]): Map<string, Set<string>> {
  const predecessors = new Map(group.map((hook) => [hook.plugin, new Set<string>()]));
  for (const hook of group) {
    for (const name of hook.place.after ?? []) {
      if (predecessors.has(name)) predecessors.get(hook.plugin)?.add(name);
    }
    for (const name of hook.place.before ?? []) predecessors.get(name)?.add(hook.plugin);
  }
  return predecessors;
}

/** Walks predecessors until a name repeats; every hook that is left has one, so it must. */
function findCycle(
  left: readonly Placed[],
  predecessors: ReadonlyMap<string, ReadonlySet<string>>,
): string[] {
  const path: string[] = [];
  let name = left[0]?.plugin as string;
  while (!path.includes(name)) {
    path.push(name);
    name = [...(predecessors.get(name) as ReadonlySet<string>)][0] as string;
  }
  return [...path.slice(path.indexOf(name)), name].reverse();
}
