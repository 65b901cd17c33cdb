import { BRAND } from "./contract/brand.ts";
import { CONTRACT_VERSION, type Plugin, type PluginDefinition } from "./contract/plugin.ts";

/**
 * Makes a plugin. Nothing is checked or connected yet: that happens when a worker or client is created
 * with it, so one plugin value may serve several.
 *
 * @example
 * const quiet = definePlugin({
 *   name: "quiet",
 *   producers: "enforced-at-run",
 *   setup: ({ clock }) => ({
 *     beforeRun: {
 *       phase: "gate",
 *       onError: "open",
 *       run: () =>
 *         new Date(clock.now()).getHours() < 6
 *           ? defer({ after: "1h" }, { code: "QUIET", message: "nothing runs before six" })
 *           : undefined,
 *     },
 *   }),
 * });
 */
export function definePlugin<
  const TName extends string,
  TOptions = undefined,
  TApi = undefined,
  TContext = unknown,
>(
  definition: PluginDefinition<TName, TOptions, TApi, TContext>,
): Plugin<TName, TOptions, TApi, TContext> {
  return Object.freeze({ ...definition, [BRAND]: "plugin" as const, contract: CONTRACT_VERSION });
}
