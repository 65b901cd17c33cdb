import {
  definePlugin,
  messageOf,
  type Plugin,
  type PluginHost,
  type PluginInstance,
  systemClock,
} from "@oppulence/worker-core";
import { recoveryCommands } from "./commands.ts";
import { engineDefaults } from "./engine-defaults.ts";
import { PoolLostError } from "./errors.ts";
import type {} from "./events.ts";
import { explainJob } from "./explain.ts";
import { gate } from "./gate.ts";
import { healthOf } from "./health.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Lifeline } from "./lifeline.ts";
import { recoveryMetrics } from "./metrics.ts";
import {
  type RecoveryOptions,
  type ResolvedRecoveryOptions,
  recoveryOptions,
  timingOf,
} from "./options.ts";
import { listPools, type PoolInfo } from "./pools.ts";
import { RecoveryStore } from "./postgres-store.ts";
import { processSolitary } from "./solitary.ts";
import { Suspects, TURN_MS } from "./suspects.ts";
import { Sweeper, type SweptPool } from "./sweeper.ts";

/** The plugin's API: `worker.plugins.recovery`. */
export interface RecoveryApi {
  /** Lists pools with their state and the number of jobs that they hold. For people: reads every job. */
  pools(): Promise<PoolInfo[]>;
  /**
   * Takes the jobs of dead pools back now. Workers do it by themselves with every beat.
   *
   * Unlike them it does not wait, after the database was away, until every pool has had its chance to say
   * that it is alive.
   *
   * @returns the pools that this call has taken back
   * @throws what the database throws; a later sweep finishes what was begun
   */
  sweep(): Promise<readonly SweptPool[]>;
}

declare module "@oppulence/worker-core" {
  interface PluginApis {
    recovery: RecoveryApi;
  }
}

/** The plugin that {@link recovery} makes. */
export type RecoveryPlugin = Plugin<"recovery", ResolvedRecoveryOptions, RecoveryApi>;

/** A sweeper that takes longer than this many heartbeats for a pool has died in between. */
const TAKEOVER_BEATS = 2;

/**
 * Brings jobs of crashed workers back within seconds, and keeps jobs that crash their workers from doing it
 * for ever.
 *
 * Every pool keeps a row that says that it is alive; whoever finds one silent puts its jobs back into the
 * queue, with the attempt that the crash has cost. A job that went down with `maxCrashes` pools is moved to
 * the dead letters (plugin `dlq`) or fails for good.
 *
 * Its `beforeRun` hook (phase `gate`, closed on errors) is synchronous and asks nobody, except for a job
 * that was in a pool when it died. In a client it offers the API and the commands.
 *
 * @example
 * createWorker({ connectionString, tasks, plugins: [recovery()] });
 */
export function recovery(options: RecoveryOptions = {}): RecoveryPlugin {
  return definePlugin({
    name: "recovery",
    package: "@oppulence/worker-recovery",
    options,
    optionsSchema: recoveryOptions,
    producers: "enforced-at-run",
    migrations: { directory: new URL("../sql/", import.meta.url) },
    worker: engineDefaults(),
    setup: setUp,
  });
}

function setUp(host: PluginHost<ResolvedRecoveryOptions>): PluginInstance<RecoveryApi> {
  const { clock, events, logger } = host;
  const { maxCrashes } = host.options;
  const timing = timingOf(host.options);
  const lifeline = new Lifeline(host.pool);
  const store = new RecoveryStore(host, lifeline.query);
  const metrics = recoveryMetrics(host.meter, store);
  const suspects = new Suspects({
    store,
    solitary: processSolitary,
    maxCrashes,
    turnMs: TURN_MS,
    clock: systemClock,
  });

  const heartbeat = new Heartbeat({
    ...timing,
    store,
    clock,
    onLost(lease) {
      const cause = new PoolLostError(lease.pool, lease.silentMs());
      logger.error(cause.message);
      events.emit("pool:lost", { pool: lease.pool, cause });
      host.restart(cause);
    },
    onError: (error) =>
      logger.warn(`could not say that this pool is alive: ${messageOf(error)}`, { error }),
    onBeat() {
      if (sweeper.busy) return;
      void sweeper.sweep(heartbeat.witnessMs()).catch((error: unknown) => {
        logger.warn(`could not take back jobs of dead pools: ${messageOf(error)}`, { error });
      });
    },
  });
  const sweeper = new Sweeper({
    host,
    store,
    maxCrashes,
    takeoverMs: TAKEOVER_BEATS * timing.heartbeatMs,
    own: () => heartbeat.leases().map(({ pool }) => pool),
    onRecovered: metrics.recovered,
    onPoisoned: metrics.poisoned,
  });
  const api: RecoveryApi = {
    pools: () => listPools(store, host.engine),
    sweep: () => sweeper.sweep(Number.POSITIVE_INFINITY),
  };

  return {
    api,
    commands: recoveryCommands(api),
    panels: [
      {
        id: "recovery-pools",
        title: "Pools",
        load: async ({ limit }) => (await api.pools()).slice(0, limit).map((pool) => ({ ...pool })),
      },
    ],
    health: () => healthOf(heartbeat),
    explain: (input) => explainJob(store, input),
    poolStarting: (pool) => heartbeat.join(pool),
    poolEnded: (pool) => heartbeat.leave(pool),
    beforeRun: { phase: "gate", onError: "closed", run: gate(heartbeat, suspects) },
    async stop() {
      heartbeat.stop();
      await sweeper.stop();
      await lifeline.end();
    },
  };
}
