import { didYouMean, type TaskInfo } from "@oppulence/worker-core";
import type {
  CircuitBreakerJob,
  DependencyOptions,
  ResolvedCircuitBreakerOptions,
} from "./options.ts";

/** The dependency of a task, and how the task stands to it. */
export interface TaskDependency {
  readonly dependency: string;
  readonly alwaysAttempt: boolean;
}

/** What a task says about its breaker; undefined for a task that says nothing. */
export function dependencyOf({ identifier, options }: TaskInfo): TaskDependency | undefined {
  const { breaker } = options;
  if (breaker === undefined) return undefined;
  const { dependency = identifier, alwaysAttempt = false } = breaker;
  return { dependency, alwaysAttempt };
}

/** Options of every dependency by name, of the plugin's options and of tasks with a breaker of their own. */
export function dependenciesOf(
  { dependencies, defaults }: ResolvedCircuitBreakerOptions,
  tasks: Iterable<TaskInfo>,
): ReadonlyMap<string, DependencyOptions> {
  const all = new Map<string, DependencyOptions>();
  for (const { identifier, options } of tasks)
    if (options.breaker !== undefined && options.breaker.dependency === undefined)
      all.set(identifier, { ...defaults, ...ownOptions(options.breaker) });
  for (const [name, options] of Object.entries(dependencies))
    all.set(name, { ...defaults, ...all.get(name), ...(options as DependencyOptions) });
  return all;
}

function ownOptions({ dependency, alwaysAttempt, ...own }: CircuitBreakerJob): DependencyOptions {
  return own;
}

/** Tasks that name a dependency which is not there, one sentence each. */
export function unknownDependencies(
  names: ReadonlyMap<string, unknown>,
  tasks: Iterable<TaskInfo>,
): string[] {
  return [...tasks].flatMap((task) => {
    const wanted = dependencyOf(task)?.dependency;
    if (wanted === undefined || names.has(wanted)) return [];
    const hint = didYouMean(wanted, names.keys()) || hintOf(names);
    return [
      `task ${JSON.stringify(task.identifier)}: no dependency has the name ${JSON.stringify(wanted)}${hint}`,
    ];
  });
}

/** The end of a message about an unknown name where none is near. */
export function hintOf(names: ReadonlyMap<string, unknown>): string {
  const known = [...names.keys()].slice(0, 20).join(", ");
  return known === "" ? "; none is configured" : `; there are ${known}`;
}
