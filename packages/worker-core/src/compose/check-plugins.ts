import { hasBrand } from "../contract/brand.ts";
import { type AnyPlugin, CONTRACT_VERSION } from "../contract/plugin.ts";
import { CORE_PLUGIN } from "../core-migrations.ts";
import { didYouMean } from "../suggest.ts";
import { describeValue } from "./describe-value.ts";

const MAX_NAME = 64;

/**
 * Checks the plugins for what can be told before any of them is set up.
 *
 * @param problems - one sentence each is added
 * @returns the plugins that can be set up, so that the problems of those are told as well
 */
export function checkPlugins(plugins: readonly AnyPlugin[], problems: string[]): AnyPlugin[] {
  const usable = new Map<string, AnyPlugin>();
  for (const [index, plugin] of plugins.entries()) {
    const problem = problemOf(plugin, index, usable);
    if (problem === undefined) usable.set(plugin.name, plugin);
    else problems.push(problem);
  }
  const branded = plugins.filter((candidate) => hasBrand(candidate, "plugin"));
  const names = new Set(branded.map(({ name }) => name));
  for (const plugin of branded) {
    for (const name of plugin.requires ?? []) {
      if (names.has(name)) continue;
      problems.push(
        `plugin ${plugin.name} requires the plugin ${name}, which is not in plugins${didYouMean(name, names)}`,
      );
    }
  }
  const meters = branded.filter((plugin) => plugin.meter !== undefined);
  if (meters.length > 1) {
    problems.push(
      `plugins ${meters.map(({ name }) => name).join(" and ")} each bring a meter; at most one may`,
    );
  }
  return [...usable.values()];
}

function problemOf(
  plugin: AnyPlugin,
  index: number,
  before: ReadonlyMap<string, AnyPlugin>,
): string | undefined {
  if (!hasBrand(plugin, "plugin"))
    return `plugins[${index}] is ${describeValue(plugin)}; a plugin is what definePlugin returns (did you forget to call its factory?)`;
  const { name, contract } = plugin;
  if (typeof name !== "string" || name.length === 0 || name.length > MAX_NAME)
    return `plugins[${index}] has the name ${JSON.stringify(name)}; a name is a string of 1 to ${MAX_NAME} characters`;
  if (name === CORE_PLUGIN)
    return `plugins[${index}] has the name ${JSON.stringify(name)}, which is the core's own`;
  if (contract !== CONTRACT_VERSION)
    return `plugin ${name} speaks contract version ${contract}, this core speaks version ${CONTRACT_VERSION}: install a version of ${plugin.package ?? name} made for it`;
  return before.has(name) ? `plugin ${name} is in plugins twice; a name may occur once` : undefined;
}
