import type { AnyTask } from "../contract/task.ts";
import { messageOf } from "../errors.ts";
import { suggest } from "../suggest.ts";
import { validateOptions } from "../validate.ts";
import type { Installed } from "./compose.ts";

/**
 * Checks a task's options: each key belongs to an installed plugin, each value passes its schema.
 *
 * The core knows no feature by name. That `rateLimit` lives in `@oppulence/worker-ratelimit` follows from
 * the convention that an option's package is named after its key, in lower case.
 */
export function checkTaskOptions(task: AnyTask, installed: readonly Installed[], problems: string[]): void {
  const owners = new Map(
    installed.flatMap(({ plugin }) => (plugin.taskOption === undefined ? [] : [[plugin.taskOption.key, plugin.taskOption]])),
  );
  const where = `task ${JSON.stringify(task.identifier)}`;
  for (const [key, value] of Object.entries(task.options)) {
    const owner = owners.get(key);
    if (owner === undefined) {
      problems.push(`${where}: unknown option ${JSON.stringify(key)}${remedy(key, owners.keys())}`);
    } else if (owner.schema !== undefined && value !== undefined) {
      try {
        validateOptions(owner.schema, value, `${where}, option ${key}`);
      } catch (error) {
        problems.push(messageOf(error));
      }
    }
  }
}

const OWN_KEYS = ["identifier", "payload", "spec", "run"];

function remedy(key: string, owned: Iterable<string>): string {
  const near = suggest(key, [...OWN_KEYS, ...owned]);
  if (near !== undefined) return `, did you mean ${JSON.stringify(near)}?`;
  const name = `@oppulence/worker-${key.toLowerCase()}`;
  return `: no installed plugin owns it. If it is the option of ${name}, install that package and add its plugin to \`plugins\``;
}
