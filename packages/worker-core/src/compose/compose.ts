import {
  type AfterRunHook,
  type BeforeEnqueueHook,
  type BeforeRunHook,
  ENQUEUE_PHASES,
  type HookPlace,
  type OnFailureHook,
  RUN_PHASES,
} from "../contract/hooks.ts";
import type { AnyPlugin, PluginHost, PluginInstance } from "../contract/plugin.ts";
import type { AnyTask } from "../contract/task.ts";
import { parseDuration } from "../duration.ts";
import { ConfigurationError } from "../errors.ts";
import { isPromise } from "../pipeline/hook.ts";
import { sentencesOf } from "../problems.ts";
import { checkPlugins } from "./check-plugins.ts";
import { collectTasks } from "./collect-tasks.ts";
import { describeValue } from "./describe-value.ts";
import { orderHooks } from "./order.ts";
import { type OverlaidOptions, resolveOptions } from "./resolve-options.ts";
import { completeTaskOptions } from "./task-options.ts";

/** A plugin's hook with the plugin's name, where it is in the order. */
export interface Bound<H extends HookPlace> {
  readonly plugin: string;
  readonly hook: H;
}

/** A plugin once set up. */
export interface Installed {
  readonly plugin: AnyPlugin;
  readonly enabled: boolean;
  readonly options: unknown;
  readonly instance: PluginInstance;
}

/** Plugins and tasks put together: everything that is known before the database is touched. */
export interface Composition {
  readonly installed: readonly Installed[];
  readonly tasks: ReadonlyMap<string, AnyTask>;
  readonly beforeEnqueue: readonly Bound<BeforeEnqueueHook>[];
  readonly beforeRun: readonly Bound<BeforeRunHook>[];
  readonly afterRun: readonly Bound<AfterRunHook>[];
  readonly onFailure: readonly Bound<OnFailureHook>[];
}

/** What `compose` needs from its caller. */
export interface ComposeInput {
  readonly plugins: readonly AnyPlugin[];
  readonly tasks: readonly AnyTask[];
  /** Options of a plugin with the overlay applied. */
  readonly overlay: (plugin: AnyPlugin) => OverlaidOptions;
  /** The host for one plugin. */
  readonly host: (plugin: AnyPlugin, options: unknown) => PluginHost;
}

/**
 * Sets plugins up and orders their hooks.
 *
 * @throws ConfigurationError with every problem found, not only the first
 */
export function compose(input: ComposeInput): Composition {
  const problems: string[] = [];
  const plugins = checkPlugins(input.plugins, problems);
  const tasks = new Map<string, AnyTask>();
  const installed = setUp(input, plugins, problems);
  const contributed = installed.flatMap(({ plugin, instance }) =>
    (instance.tasks ?? []).map((task) => ({ task, from: `plugin ${plugin.name}` })),
  );
  collectTasks(
    [...input.tasks.map((task) => ({ task, from: "tasks" })), ...contributed],
    tasks,
    problems,
  );
  for (const [identifier, task] of tasks)
    tasks.set(identifier, completeTaskOptions(task, plugins, problems));

  const active = installed.filter(({ enabled }) => enabled);
  const beforeEnqueue = bind(active, "beforeEnqueue", problems, ENQUEUE_PHASES);
  const beforeRun = bind(active, "beforeRun", problems, RUN_PHASES);
  const afterRun = bind(active, "afterRun", problems);
  const onFailure = bind(active, "onFailure", problems);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return { installed, tasks, beforeEnqueue, beforeRun, afterRun, onFailure };
}

function setUp(
  input: ComposeInput,
  plugins: readonly AnyPlugin[],
  problems: string[],
): Installed[] {
  const installed: Installed[] = [];
  for (const plugin of plugins) {
    try {
      const overlaid = input.overlay(plugin);
      const { enabled } = overlaid;
      const options = resolveOptions(plugin, overlaid);
      const instance = plugin.setup(input.host(plugin, options));
      assertInstance(plugin, instance);
      installed.push({ plugin, enabled, options, instance });
    } catch (error) {
      problems.push(...sentencesOf(error));
    }
  }
  return installed;
}

/** An asynchronous setup would be a plugin without hooks, and nobody would know. */
function assertInstance({ name }: AnyPlugin, instance: unknown): void {
  if (typeof instance !== "object" || instance === null)
    throw new TypeError(
      `plugin ${name}: setup returned ${describeValue(instance)}; it returns the plugin's hooks, an object`,
    );
  if (isPromise(instance)) {
    instance.then(undefined, () => {});
    throw new TypeError(
      `plugin ${name}: setup returned a promise; it is synchronous, and what takes time waits for \`start\``,
    );
  }
}

function bind<K extends "beforeEnqueue" | "beforeRun" | "afterRun" | "onFailure">(
  installed: readonly Installed[],
  name: K,
  problems: string[],
  phases?: readonly string[],
): readonly Bound<NonNullable<PluginInstance[K]>>[] {
  type Hook = NonNullable<PluginInstance[K]>;
  const placed = installed.flatMap(({ plugin, instance }) => {
    const hook = instance[name] as
      | (HookPlace & { phase?: string; run?: unknown; batch?: unknown; onError?: unknown })
      | undefined;
    if (hook === undefined) return [];
    const where = `plugin ${plugin.name}, ${name}`;
    if (typeof hook.run !== "function" && typeof hook.batch !== "function") {
      problems.push(`${where}: a hook has either \`run\` or \`batch\`, a function`);
    }
    const phase = phases === undefined ? 0 : phases.indexOf(hook.phase as string);
    if (phase < 0) {
      problems.push(
        `${where}: got the phase ${JSON.stringify(hook.phase)}; it is one of ${phases?.join(", ")}`,
      );
    }
    if (phases !== undefined && hook.onError !== "open" && hook.onError !== "closed") {
      problems.push(
        `${where}: got onError ${JSON.stringify(hook.onError)}; it is "open" or "closed"`,
      );
    }
    const place = checkPlace(hook, where, problems);
    return [{ plugin: plugin.name, place, phase, hook: hook as unknown as Hook }];
  });
  const ordered = orderHooks(placed, phases === undefined);
  if ("path" in ordered) {
    problems.push(`the plugins' ${name} hooks form a circle: ${ordered.path.join(" before ")}`);
    return [];
  }
  return ordered.map(({ plugin, hook }) => ({ plugin, hook }));
}

/** @returns the place as far as it can be used, so that the order is checked as well */
function checkPlace(hook: HookPlace, where: string, problems: string[]): HookPlace {
  try {
    if (hook.timeout !== undefined) parseDuration(hook.timeout, `${where}, timeout`);
  } catch (error) {
    problems.push(...sentencesOf(error));
  }
  const names = (side: "before" | "after"): readonly string[] => {
    const given = hook[side];
    if (given === undefined || Array.isArray(given)) return given ?? [];
    problems.push(
      `${where}, ${side}: got ${JSON.stringify(given)}; it is an array of plugin names`,
    );
    return [];
  };
  return { before: names("before"), after: names("after") };
}
