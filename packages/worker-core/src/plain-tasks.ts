import { getTasks, type Logger, type TaskList } from "graphile-worker";
import type { AnyTask, TaskInfo } from "./contract/task.ts";
import { ConfigurationError } from "./errors.ts";

/** Plain graphile-worker tasks, which have no definition: the functions of `taskList` and of a task directory. */
export type PlainTasks = Map<string, NonNullable<TaskList[string]>>;

/** A plain task as plugins see it. */
export function plainInfo(identifier: string): TaskInfo {
  return { identifier, options: {}, payload: undefined, spec: undefined };
}

/**
 * The functions of `taskList`.
 *
 * @throws ConfigurationError for a name that a defined task has, and for anything but a function
 */
export function plainTasks(
  taskList: Readonly<Record<string, unknown>> | undefined,
  tasks: ReadonlyMap<string, AnyTask>,
): PlainTasks {
  const plain: PlainTasks = new Map();
  const problems: string[] = [];
  for (const [identifier, run] of Object.entries(taskList ?? {})) {
    const name = JSON.stringify(identifier);
    if (tasks.has(identifier))
      problems.push(`task ${name} is defined twice: in tasks and in taskList`);
    else if (typeof run !== "function")
      problems.push(
        `taskList holds ${typeof run} under ${name}; it is a function (payload, helpers)`,
      );
    else plain.set(identifier, run as NonNullable<TaskList[string]>);
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return plain;
}

/**
 * Adds the functions of a task directory, loaded as graphile-worker loads them.
 *
 * @throws ConfigurationError for a name that is taken already
 */
export async function loadTaskDirectory(
  plain: PlainTasks,
  tasks: ReadonlyMap<string, AnyTask>,
  worker: GraphileConfig.WorkerOptions,
  logger: Logger,
): Promise<void> {
  const { taskDirectory } = worker;
  if (taskDirectory === undefined) return;
  const found = await getTasks({ logger, preset: { worker } }, taskDirectory);
  for (const [identifier, run] of Object.entries(found.tasks)) {
    if (tasks.has(identifier) || plain.has(identifier)) {
      throw new ConfigurationError([
        `task ${JSON.stringify(identifier)} is defined twice: in code and in ${taskDirectory}`,
      ]);
    }
    if (run !== undefined) plain.set(identifier, run);
  }
}
