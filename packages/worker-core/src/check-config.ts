import type { AnyPlugin } from "./contract/plugin.ts";
import { messageOf } from "./errors.ts";
import { allMigrations } from "./migrate-all.ts";
import { WORKER_KEYS, type WorkerOptions } from "./options.ts";
import { Problems, sentencesOf } from "./problems.ts";
import { createRuntime } from "./runtime.ts";
import { assertRunnable } from "./worker.ts";

/**
 * Everything that can be known to be wrong before a deploy, without a database: options, plugins and their
 * order, tasks and their options, the config overlay, migration files, and what the plugins check themselves.
 *
 * @returns one sentence a problem; none when all is well
 */
export async function checkConfig<const P extends readonly AnyPlugin[]>(
  options: WorkerOptions<P>,
): Promise<readonly string[]> {
  const problems = new Problems();
  const runtime = problems.attempt(() =>
    createRuntime(options, "offline", WORKER_KEYS, "createWorker"),
  );
  if (runtime === undefined) return problems.sentences;
  const { composition } = runtime;
  problems.attempt(() => assertRunnable(composition));
  const sentences = [...problems.sentences];
  if (
    composition.tasks.size + runtime.plainTasks.size === 0 &&
    runtime.worker.taskDirectory === undefined
  ) {
    sentences.push(
      "a worker without tasks has nothing to run: give tasks, taskList or worker.taskDirectory",
    );
  }
  await allMigrations(composition).catch((error: unknown) => sentences.push(...sentencesOf(error)));
  for (const { plugin, instance, enabled } of composition.installed) {
    if (!enabled || instance.check === undefined) continue;
    const found = await askPlugin(instance.check);
    sentences.push(...found.map((sentence) => `plugin ${plugin.name}: ${sentence}`));
  }
  return sentences;
}

async function askPlugin(
  check: () => readonly string[] | Promise<readonly string[]>,
): Promise<readonly string[]> {
  try {
    return await check();
  } catch (error) {
    return [`its check failed: ${messageOf(error)}`];
  }
}
