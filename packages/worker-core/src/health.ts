import type { Health } from "./contract/plugin.ts";
import { messageOf } from "./errors.ts";
import { within } from "./pipeline/hook.ts";
import { printValue } from "./print-value.ts";
import type { Runtime } from "./runtime.ts";

const TIMEOUT_MS = 2_000;
const STATES: readonly unknown[] = ["ok", "degraded", "down"] satisfies Health["status"][];

/** The health of a worker or client: the worst of its parts. */
export interface HealthReport {
  readonly status: Health["status"];
  /** `database`, `start`, and each plugin that says how it is. */
  readonly parts: Readonly<Record<string, Health>>;
}

const probes = new WeakMap<Runtime, Promise<Health>>();

/** One probe at a time: while the database hangs, each would take another connection of the pool. */
function probeDatabase(runtime: Runtime): Promise<Health> {
  const underWay = probes.get(runtime);
  if (underWay !== undefined) return underWay;
  const probe = runtime
    .query("select 1")
    .then((): Health => ({ status: "ok" }))
    .finally(() => probes.delete(runtime));
  probes.set(runtime, probe);
  return probe;
}

/** Asks the database and every plugin, each within two seconds. */
export async function checkHealth(runtime: Runtime): Promise<HealthReport> {
  const checks: [string, () => Health | Promise<Health>][] = [
    ["database", () => probeDatabase(runtime)],
    [
      "start",
      () =>
        runtime.started
          ? { status: "ok" }
          : { status: "down", detail: "not started, or its migrations and plugins are not ready" },
    ],
  ];
  for (const { plugin, instance, enabled } of runtime.composition.installed) {
    const { health } = instance;
    if (enabled && health !== undefined) checks.push([plugin.name, () => health.call(instance)]);
  }
  const parts = Object.fromEntries(
    await Promise.all(checks.map(async ([name, check]) => [name, await ask(name, check)] as const)),
  );
  const states = new Set(Object.values(parts).map(({ status }) => status));
  return {
    status: states.has("down") ? "down" : states.has("degraded") ? "degraded" : "ok",
    parts,
  };
}

async function ask(name: string, check: () => Health | Promise<Health>): Promise<Health> {
  try {
    const health = await within(Promise.resolve(check()), TIMEOUT_MS, name, "health");
    if (STATES.includes(health?.status)) return health;
    return { status: "down", detail: `said ${printValue(health)}, which has no known status` };
  } catch (error) {
    return { status: "down", detail: messageOf(error) };
  }
}
