import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { didYouMean, type WorkerOptions } from "@oppulence/worker-core";
import { parseCrontab } from "graphile-worker";
import { messageOf } from "../message-of.ts";

/** Identifiers of all tasks; undefined when they are not known, and any name is let through. */
type Known = ReadonlySet<string> | undefined;

/**
 * Checks graphile-worker's native crontab, in all its forms: that it can be read, and names tasks that exist.
 *
 * @returns one sentence a problem
 */
export async function checkCrontabs(
  { crontab, parsedCronItems = [], worker = {} }: WorkerOptions,
  cwd: string,
  known: Known,
): Promise<string[]> {
  const problems = crontab === undefined ? [] : checkCrontab(crontab, "crontab", known);
  const { crontabFile } = worker;
  if (crontabFile !== undefined) {
    try {
      const text = await readFile(resolve(cwd, crontabFile), "utf8");
      problems.push(...checkCrontab(text, crontabFile, known));
    } catch (error) {
      problems.push(`worker.crontabFile: ${messageOf(error)}`);
    }
  }
  for (const { task, identifier } of parsedCronItems) {
    problems.push(...checkTask(task, `parsedCronItems, ${identifier}`, known));
  }
  return problems;
}

function checkCrontab(text: string, where: string, known: Known): string[] {
  const problems = text
    .split(/\r?\n/)
    .flatMap((line, index) => checkLine(line, `${where}, line ${index + 1}`, known));
  if (problems.length > 0) return problems;
  try {
    parseCrontab(text);
    return [];
  } catch (error) {
    // Two lines that do not go together.
    return [`${where}: ${messageOf(error)}`];
  }
}

function checkLine(line: string, where: string, known: Known): string[] {
  try {
    return parseCrontab(line).flatMap(({ task }) => checkTask(task, where, known));
  } catch (error) {
    return [`${where}: ${messageOf(error).replace(/ on line 1\b/, "")}`];
  }
}

function checkTask(task: string, where: string, known: Known): string[] {
  if (known === undefined || known.has(task)) return [];
  return [`${where}: no task ${JSON.stringify(task)} is defined${didYouMean(task, known)}`];
}
