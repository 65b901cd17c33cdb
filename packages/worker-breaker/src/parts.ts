import { type PluginHost, parseDuration } from "@oppulence/worker-core";
import { type BreakerApi, createApi } from "./api.ts";
import { Circuits } from "./circuits.ts";
import { dependencyOf } from "./dependencies.ts";
import { RunHook } from "./hooks.ts";
import { createListener } from "./listeners.ts";
import { createMetrics } from "./metrics.ts";
import type { ResolvedCircuitBreakerOptions } from "./options.ts";
import { Parking } from "./parking.ts";
import { postgresStore } from "./postgres-store.ts";

/** What the plugin of one worker or client is made of. */
export interface Parts {
  readonly api: BreakerApi;
  readonly circuits: Circuits;
  readonly hook: RunHook;
  readonly parking: Parking;
}

/**
 * Puts the parts together; nothing is connected.
 *
 * @param options - those that hold now
 */
export function createParts(
  host: PluginHost<ResolvedCircuitBreakerOptions>,
  options: () => ResolvedCircuitBreakerOptions,
): Parts {
  const { clock, logger, query, transaction, pool, schema, engine, tasks } = host;
  const ms = (name: "storeTimeout" | "historyRetention") =>
    parseDuration(host.options[name], `plugin breaker, ${name}`);
  const metrics = createMetrics(host.meter);
  const timeoutMs = ms("storeTimeout");
  const retentionMs = ms("historyRetention");
  const makeStore = host.options.store ?? postgresStore;
  const store = makeStore({ query, transaction, pool, logger, schema, retentionMs, timeoutMs });
  const failed = (what: string) => (message: string, error: unknown) => {
    metrics.errors.add(1, { what });
    logger.error(`plugin breaker: ${message}`, { error });
  };

  const parking = new Parking({
    engine,
    store,
    clock,
    tasksOf: (dependency) => (host.options.park ? waitingTasks(tasks.values(), dependency) : []),
    ramp: {
      first: host.options.ramp.first,
      everyMs: parseDuration(host.options.ramp.every, "plugin breaker, ramp.every"),
    },
    onError: failed("parking"),
  });
  const listener = createListener({
    host,
    metrics,
    onRecord: (circuit) => {
      if (host.mode === "worker") parking.wake(circuit);
    },
    onTransition: () => options().onTransition,
  });
  const circuits = new Circuits({ host, store, listener });
  const calls = {
    clock,
    onProblem: (dependency: string, error: unknown) =>
      failed("is-failure")(`isFailure of dependency ${dependency} threw`, error),
    onTrial: (dependency: string, outcome: string) =>
      metrics.trials.add(1, { dependency, outcome }),
    onRejected: (dependency: string) => metrics.rejected.add(1, { dependency }),
  };
  const api = createApi({ ...calls, circuits, store, timeoutMs });
  const hook = new RunHook({ ...calls, circuits });
  return { api, circuits, hook, parking };
}

/** Tasks whose jobs wait while the circuit is open. */
function waitingTasks(
  tasks: Iterable<Parameters<typeof dependencyOf>[0]>,
  dependency: string,
): string[] {
  return [...tasks].flatMap((task) => {
    const wanted = dependencyOf(task);
    const isWaiting = wanted?.dependency === dependency && !wanted.alwaysAttempt;
    return isWaiting ? [task.identifier] : [];
  });
}
