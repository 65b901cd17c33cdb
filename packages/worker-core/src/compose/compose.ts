import { BRAND, hasBrand } from "../contract/brand.ts";
import {
  type AfterRunHook,
  type BeforeEnqueueHook,
  type BeforeRunHook,
  ENQUEUE_PHASES,
  type HookPlace,
  type OnFailureHook,
  RUN_PHASES,
} from "../contract/hooks.ts";
import {
  type AnyPlugin,
  CONTRACT_VERSION,
  type PluginHost,
  type PluginInstance,
} from "../contract/plugin.ts";
import type { AnyTask, TaskInfo } from "../contract/task.ts";
import { ConfigurationError, messageOf } from "../errors.ts";
import { didYouMean } from "../suggest.ts";
import { validateOptions } from "../validate.ts";
import { orderHooks } from "./order.ts";
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
  readonly overlay: (plugin: AnyPlugin) => {
    readonly enabled: boolean;
    readonly options: unknown;
    /** Where the value at a path came from, if not from code. */
    readonly origin?: (path: readonly (string | number)[]) => string | undefined;
  };
  /** The host for one plugin; `tasks` is filled once all plugins are set up. */
  readonly host: (
    plugin: AnyPlugin,
    options: unknown,
    tasks: ReadonlyMap<string, TaskInfo>,
  ) => PluginHost;
}

/**
 * Sets plugins up and orders their hooks.
 *
 * @throws ConfigurationError with every problem found, not only the first
 */
export function compose(input: ComposeInput): Composition {
  const problems = checkPlugins(input.plugins);
  if (problems.length > 0) throw new ConfigurationError(problems);
  const tasks = new Map<string, AnyTask>();
  const installed = setUp(input, tasks, problems);
  const contributed = installed.flatMap(({ plugin, instance }) =>
    (instance.tasks ?? []).map((task) => ({ task, from: `plugin ${plugin.name}` })),
  );
  collectTasks(
    [...input.tasks.map((task) => ({ task, from: "tasks" })), ...contributed],
    tasks,
    problems,
  );
  for (const [identifier, task] of tasks)
    tasks.set(identifier, completeTaskOptions(task, installed, problems));

  const active = installed.filter(({ enabled }) => enabled);
  const beforeEnqueue = bind(active, "beforeEnqueue", problems, ENQUEUE_PHASES);
  const beforeRun = bind(active, "beforeRun", problems, RUN_PHASES);
  const afterRun = bind(active, "afterRun", problems);
  const onFailure = bind(active, "onFailure", problems);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return { installed, tasks, beforeEnqueue, beforeRun, afterRun, onFailure };
}

function checkPlugins(plugins: readonly AnyPlugin[]): string[] {
  const problems: string[] = [];
  const names = new Set<string>();
  for (const [index, plugin] of plugins.entries()) {
    if (!hasBrand(plugin, "plugin")) {
      problems.push(
        `plugins[${index}] is ${describe(plugin)}; a plugin is what definePlugin returns (did you forget to call its factory?)`,
      );
      continue;
    }
    if (plugin.contract !== CONTRACT_VERSION) {
      problems.push(
        `plugin ${plugin.name} speaks contract version ${plugin.contract}, this core speaks version ${CONTRACT_VERSION}: install a version of ${plugin.package ?? plugin.name} made for it`,
      );
    }
    if (names.has(plugin.name))
      problems.push(`plugin ${plugin.name} is in plugins twice; a name may occur once`);
    names.add(plugin.name);
  }
  for (const plugin of plugins.filter((candidate) => hasBrand(candidate, "plugin"))) {
    for (const name of plugin.requires ?? []) {
      if (!names.has(name)) {
        problems.push(
          `plugin ${plugin.name} requires the plugin ${name}, which is not in plugins${didYouMean(name, names)}`,
        );
      }
    }
  }
  const meters = plugins.filter((plugin) => plugin.meter !== undefined);
  if (meters.length > 1) {
    problems.push(
      `plugins ${meters.map(({ name }) => name).join(" and ")} each bring a meter; at most one may`,
    );
  }
  return problems;
}

function setUp(
  input: ComposeInput,
  tasks: ReadonlyMap<string, AnyTask>,
  problems: string[],
): Installed[] {
  const installed: Installed[] = [];
  for (const plugin of input.plugins) {
    try {
      const { enabled, options: raw, origin } = input.overlay(plugin);
      const options =
        plugin.optionsSchema === undefined
          ? noOptions(plugin, raw)
          : validateOptions(plugin.optionsSchema, raw ?? {}, `plugin ${plugin.name}`, { origin });
      const instance = plugin.setup(input.host(plugin, options, tasks));
      installed.push({ plugin, enabled, options, instance });
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  return installed;
}

function noOptions(plugin: AnyPlugin, raw: unknown): undefined {
  if (raw !== undefined && raw !== null && Object.keys(raw).length > 0) {
    throw new Error(`plugin ${plugin.name} takes no options, got ${Object.keys(raw).join(", ")}`);
  }
  return undefined;
}

function collectTasks(
  all: readonly { task: AnyTask; from: string }[],
  tasks: Map<string, AnyTask>,
  problems: string[],
): void {
  const origins = new Map<string, string>();
  for (const { task, from } of all) {
    if (!hasBrand(task, "task")) {
      problems.push(
        `${from} holds ${describe(task)}; a task is what defineTask returns (plain graphile-worker functions go into taskList)`,
      );
      continue;
    }
    const { identifier } = task;
    if (typeof identifier !== "string" || identifier.length === 0 || identifier.length > 128) {
      problems.push(
        `${from} holds a task with the identifier ${JSON.stringify(identifier)}; it is 1 to 128 characters`,
      );
    } else if (origins.has(identifier)) {
      problems.push(
        `task ${JSON.stringify(identifier)} is defined twice: in ${origins.get(identifier)} and in ${from}`,
      );
    } else {
      origins.set(identifier, from);
      tasks.set(identifier, task);
    }
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
    return [{ plugin: plugin.name, place: hook, phase, hook: hook as unknown as Hook }];
  });
  const ordered = orderHooks(placed, phases === undefined);
  if ("path" in ordered) {
    problems.push(`the plugins' ${name} hooks form a circle: ${ordered.path.join(" before ")}`);
    return [];
  }
  return ordered.map(({ plugin, hook }) => ({ plugin, hook }));
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "function")
    return `a function${value.name === "" ? "" : ` (${value.name})`}`;
  if (typeof value === "object")
    return BRAND in value ? "a branded value of another kind" : "a plain object";
  return `${typeof value} ${JSON.stringify(value)}`;
}
