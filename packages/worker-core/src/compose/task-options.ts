import type { AnyPlugin } from "../contract/plugin.ts";
import type { AnyTask, Schema } from "../contract/task.ts";
import { sentencesOf } from "../problems.ts";
import { suggest } from "../suggest.ts";
import { validateOptions } from "../validate.ts";

/**
 * Checks a task's options: each key belongs to an installed plugin, each value passes its schema.
 *
 * The core knows no feature by name. That `rateLimit` lives in `@oppulence/worker-ratelimit` follows from
 * the convention that an option's package is named after its key, in lower case.
 *
 * @returns the task with its options as their schemas completed them
 */
export function completeTaskOptions(
  task: AnyTask,
  plugins: readonly AnyPlugin[],
  problems: string[],
): AnyTask {
  const owners = new Map(
    plugins.flatMap(({ taskOption }) =>
      taskOption === undefined ? [] : [[taskOption.key, taskOption]],
    ),
  );
  const where = `task ${JSON.stringify(task.identifier)}`;
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(task.options)) {
    const owner = owners.get(key);
    if (owner === undefined) {
      problems.push(`${where}: unknown option ${JSON.stringify(key)}${remedy(key, owners.keys())}`);
    } else if (value !== undefined) {
      options[key] = completed(owner.schema, value, `${where}, option ${key}`, problems);
    }
  }
  return Object.keys(options).length === 0
    ? task
    : Object.freeze({ ...task, options: Object.freeze(options) });
}

function completed(
  schema: Schema<any, any> | undefined,
  value: unknown,
  where: string,
  problems: string[],
): unknown {
  if (schema === undefined) return value;
  try {
    return validateOptions(schema, value, where);
  } catch (error) {
    problems.push(...sentencesOf(error));
    return value;
  }
}

const OWN_KEYS = ["identifier", "payload", "spec", "run"];

function remedy(key: string, owned: Iterable<string>): string {
  const near = suggest(key, [...OWN_KEYS, ...owned]);
  if (near !== undefined) return `, did you mean ${JSON.stringify(near)}?`;
  const name = `@oppulence/worker-${key.toLowerCase()}`;
  return `: no installed plugin owns it. If it is the option of ${name}, install that package and add its plugin to \`plugins\``;
}
