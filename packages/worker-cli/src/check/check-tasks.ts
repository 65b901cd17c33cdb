import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Composition, didYouMean, type WorkerOptions } from "@oppulence/worker-core";
import { getTasks, type Logger, parseCrontab } from "graphile-worker";
import { messageOf } from "../message-of.ts";

/** What the tasks' check looks at. */
export interface TaskCheckInput {
  readonly options: WorkerOptions;
  readonly composition: Pick<Composition, "tasks">;
  readonly logger: Logger;
  readonly cwd: string;
}

/** What is wrong with the tasks, and who has which. */
export interface TaskCheck {
  readonly problems: readonly string[];
  /** Identifiers of every task that a worker would run. */
  readonly identifiers: ReadonlySet<string>;
}

/**
 * Checks what a worker checks when it starts: that each task can run, that no name is there twice, that
 * there is a task at all, and that the crontab can be read and names tasks that exist.
 */
export async function checkTasks(input: TaskCheckInput): Promise<TaskCheck> {
  const { options, composition } = input;
  const problems: string[] = [];
  const defined = [...composition.tasks.values()];
  for (const { identifier, run } of defined) {
    if (run === undefined) {
      problems.push(
        `task ${JSON.stringify(identifier)} is only declared; a worker needs defineTask, with \`run\``,
      );
    }
  }
  const inFolder = await tasksInFolder(input, problems);
  const known = new Set([...composition.tasks.keys(), ...Object.keys(options.taskList ?? {})]);
  for (const identifier of inFolder) {
    if (!known.has(identifier)) continue;
    const folder = options.worker?.taskDirectory;
    problems.push(`task ${JSON.stringify(identifier)} is defined twice: in code and in ${folder}`);
  }
  const identifiers = new Set([...known, ...inFolder]);
  if (identifiers.size === 0) {
    problems.push(
      "a worker without tasks has nothing to run: give tasks, taskList or worker.taskDirectory",
    );
  }
  problems.push(...(await checkCrontabs(input, identifiers)));
  return { problems, identifiers };
}

async function tasksInFolder(
  { options, logger, cwd }: TaskCheckInput,
  problems: string[],
): Promise<string[]> {
  const folder = options.worker?.taskDirectory;
  if (folder === undefined) return [];
  const path = resolve(cwd, folder);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    problems.push(`worker.taskDirectory: ${folder} is not a folder`);
    return [];
  }
  try {
    const { tasks, release } = await getTasks({ logger, preset: { worker: { ...options.worker } } }, path);
    await release();
    return Object.keys(tasks);
  } catch (error) {
    problems.push(`worker.taskDirectory: ${folder} could not be loaded: ${messageOf(error)}`);
    return [];
  }
}

async function checkCrontabs(
  { options, cwd }: TaskCheckInput,
  identifiers: ReadonlySet<string>,
): Promise<string[]> {
  const { crontab, parsedCronItems = [], worker } = options;
  const problems = crontab === undefined ? [] : checkCrontab(crontab, "crontab", identifiers);
  if (worker?.crontabFile !== undefined) {
    try {
      const text = await readFile(resolve(cwd, worker.crontabFile), "utf8");
      problems.push(...checkCrontab(text, worker.crontabFile, identifiers));
    } catch (error) {
      problems.push(`worker.crontabFile: ${messageOf(error)}`);
    }
  }
  for (const { task, identifier } of parsedCronItems) {
    if (identifiers.has(task)) continue;
    problems.push(`parsedCronItems, ${identifier}: ${unknownTask(task, identifiers)}`);
  }
  return problems;
}

function checkCrontab(text: string, where: string, identifiers: ReadonlySet<string>): string[] {
  const lines = text.split(/\r?\n/);
  const problems = lines.flatMap((line, at) => {
    try {
      return parseCrontab(line)
        .filter(({ task }) => !identifiers.has(task))
        .map(({ task }) => `${where}, line ${at + 1}: ${unknownTask(task, identifiers)}`);
    } catch (error) {
      return [`${where}, line ${at + 1}: ${messageOf(error).replace(/ on line 1\b/, "")}`];
    }
  });
  if (problems.length > 0) return problems;
  try {
    parseCrontab(text);
    return [];
  } catch (error) {
    // Two lines that do not go together.
    return [`${where}: ${messageOf(error)}`];
  }
}

function unknownTask(task: string, identifiers: ReadonlySet<string>): string {
  return `no task ${JSON.stringify(task)} is defined${didYouMean(task, identifiers)}`;
}
