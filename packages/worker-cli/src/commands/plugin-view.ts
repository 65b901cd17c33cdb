import type { Composition, Health, HealthReport } from "@oppulence/worker-core";
import type { Column } from "../io/table.ts";

const HOOKS = ["beforeEnqueue", "beforeRun", "afterRun", "onFailure"] as const;
type HookName = (typeof HOOKS)[number];
/** Parts of a hook that after-hooks do not have. */
type Placed = { readonly phase?: string; readonly onError?: string };

/** One plugin's hook of one kind. */
interface HookView {
  /** From 1, in the order in which the hooks of all plugins run. */
  readonly position: number;
  /** Null for the hooks that have none. */
  readonly phase: string | null;
  /** Null for the hooks that decide nothing. */
  readonly onError: string | null;
}

/** A plugin as `plugins` tells of it. */
export interface PluginView extends Record<string, unknown> {
  readonly name: string;
  readonly enabled: boolean;
  /** What holds for jobs that are added by SQL. */
  readonly producers: string;
  readonly hooks: Partial<Record<HookName, HookView>>;
  /** Names of the commands that it contributes. */
  readonly commands: readonly string[];
  /** Undefined when it does not say, or was not asked. */
  readonly health?: Health;
}

/** Every plugin, in the order in which they were given. */
export function viewPlugins(
  composition: Composition,
  health: HealthReport | undefined,
): PluginView[] {
  return composition.installed.map(({ plugin: { name, producers }, enabled, instance }) => {
    const own = health?.parts[name];
    return {
      name,
      enabled,
      producers,
      hooks: Object.fromEntries(HOOKS.flatMap((hook) => viewHook(composition, hook, name))),
      commands: instance.commands?.map((command) => command.name) ?? [],
      ...(own === undefined ? {} : { health: own }),
    };
  });
}

function viewHook(
  composition: Composition,
  hook: HookName,
  plugin: string,
): (readonly [HookName, HookView])[] {
  return composition[hook].flatMap((bound, index) => {
    if (bound.plugin !== plugin) return [];
    const { phase = null, onError = null } = bound.hook as Placed;
    return [[hook, { position: index + 1, phase, onError }] as const];
  });
}

/** What people see of {@link viewPlugins}. */
export function pluginColumns(health: HealthReport | undefined): Column[] {
  const hooks = HOOKS.map((name): Column => ({ key: name, value: (row) => hookText(row, name) }));
  const columns: Column[] = ["name", "enabled", ...hooks, "producers"];
  if (health === undefined) return columns;
  return [
    ...columns,
    { key: "health", value: (row) => (row as PluginView).health?.status },
    { key: "detail", value: (row) => (row as PluginView).health?.detail },
  ];
}

function hookText(row: Readonly<Record<string, unknown>>, name: HookName): string | undefined {
  const hook = (row as PluginView).hooks[name];
  if (hook === undefined) return undefined;
  const { position, phase, onError } = hook;
  return [`${position}.`, phase, onError === null ? null : `(${onError})`]
    .filter((part) => part !== null)
    .join(" ");
}

/** One line a hook that anybody uses: `beforeRun: gate: cron → breaker; consume: ratelimit`. */
export function orderLines(composition: Composition): string[] {
  return HOOKS.filter((name) => composition[name].length > 0).map(
    (name) => `${name}: ${orderOf(composition, name)}`,
  );
}

function orderOf(composition: Composition, name: HookName): string {
  const phases: { phase: string | undefined; plugins: string[] }[] = [];
  for (const { plugin, hook } of composition[name]) {
    const { phase } = hook as Placed;
    const last = phases.at(-1);
    if (last !== undefined && last.phase === phase) last.plugins.push(plugin);
    else phases.push({ phase, plugins: [plugin] });
  }
  return phases
    .map(({ phase, plugins }) => (phase === undefined ? "" : `${phase}: `) + plugins.join(" → "))
    .join("; ");
}
