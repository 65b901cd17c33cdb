import type { Installed } from "./compose/compose.ts";
import type { AnyPlugin } from "./contract/plugin.ts";
import { messageOf } from "./errors.ts";
import { allMigrations } from "./migrate-all.ts";
import { WORKER_KEYS, type WorkerOptions } from "./options.ts";
import { Problems } from "./problems.ts";
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
  const asking: (() => Promise<readonly string[]>)[] = [
    () => allMigrations(composition).then(() => []),
    ...composition.installed.filter(({ enabled }) => enabled).map((one) => () => askPlugin(one)),
  ];
  for (const ask of asking) {
    sentences.push(...(await ask().catch((error: unknown) => [messageOf(error)])));
  }
  return sentences;
}

async function askPlugin({ plugin, instance }: Installed): Promise<readonly string[]> {
  const where = `plugin ${plugin.name}: `;
  try {
    const found = (await instance.check?.()) ?? [];
    return found.map((problem) => (problem.startsWith(where) ? problem : where + problem));
  } catch (error) {
    return [`${where}its check failed: ${messageOf(error)}`];
  }
}
