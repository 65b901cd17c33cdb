import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { WorkerOptions } from "@oppulence/worker-core";
import { getTasks } from "graphile-worker";
import { messageOf } from "../message-of.ts";

/** Tasks of a task directory, and what is wrong with it. */
export interface FolderTasks {
  readonly identifiers: readonly string[];
  /** One sentence each. */
  readonly problems: readonly string[];
}

/**
 * Loads `worker.taskDirectory` as graphile-worker does when a worker starts.
 *
 * @param taken - identifiers that code has defined
 */
export async function tasksInFolder(
  { worker = {} }: WorkerOptions,
  cwd: string,
  taken: ReadonlySet<string>,
): Promise<FolderTasks> {
  const { taskDirectory: folder } = worker;
  if (folder === undefined) return { identifiers: [], problems: [] };
  const path = resolve(cwd, folder);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return { identifiers: [], problems: [`worker.taskDirectory: ${folder} is not a folder`] };
  }
  try {
    const { tasks, release } = await getTasks({ preset: { worker } }, path);
    await release();
    const identifiers = Object.keys(tasks);
    const twice = identifiers.filter((identifier) => taken.has(identifier));
    const problems = twice.map(
      (identifier) =>
        `task ${JSON.stringify(identifier)} is defined twice: in code and in ${folder}`,
    );
    return { identifiers, problems };
  } catch (error) {
    const problem = `worker.taskDirectory: ${folder} could not be loaded: ${messageOf(error)}`;
    return { identifiers: [], problems: [problem] };
  }
}
