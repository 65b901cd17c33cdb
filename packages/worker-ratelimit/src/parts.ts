import { randomUUID } from "node:crypto";
import { Loop, type PluginHost, parseDuration } from "@oppulence/worker-core";
import { Admission } from "./admission.ts";
import { createApi, type RateLimitApi } from "./api.ts";
import { Asks, type Use } from "./asks.ts";
import { Calls } from "./calls.ts";
import { Crowd } from "./crowd.ts";
import { RunHook } from "./hooks.ts";
import { createLimits } from "./limits-api.ts";
import { LiveOverrides } from "./live-overrides.ts";
import { createMetrics, showBuckets } from "./metrics.ts";
import type { ResolvedRateLimitOptions } from "./options.ts";
import { Overrides } from "./overrides.ts";
import { Places } from "./places.ts";
import { postgresStore } from "./postgres-store.ts";
import { Registry } from "./registry.ts";
import type { RateLimitStore, Turn } from "./store.ts";
import { StoreWatch } from "./store-watch.ts";
import { TENANTS } from "./tenants.ts";
import { Tender } from "./tender.ts";
import { Turns } from "./turns.ts";

/** What the plugin of one worker or client is made of. */
export interface Parts {
  readonly api: RateLimitApi;
  readonly hook: RunHook;
  readonly registry: Registry;
  readonly store: RateLimitStore;
  readonly watch: StoreWatch;
  /** Limits are known, and places renewed, from then on. Safe to call again. @throws what the store throws */
  readonly open: () => Promise<void>;
  /** Has the store ready for the first job; never rejects. */
  readonly warmUp: () => Promise<void>;
  /** Lines are looked after from then on. */
  readonly start: () => void;
  readonly stop: () => Promise<void>;
}

const SWEEP_PAGE = 1_000;
/** Of the gauges. */
const MOST_STATES = 1_000;

/** Puts the parts together; nothing is connected. */
export function createParts(host: PluginHost<ResolvedRateLimitOptions>): Parts {
  const { clock, logger, options, engine, tasks } = host;
  const ms = (name: "lease" | "storeTimeout" | "tendInterval" | "pollInterval" | "sweepInterval") =>
    parseDuration(options[name], `plugin rateLimit, ${name}`);
  const holder = randomUUID();
  const metrics = createMetrics(host.meter);
  const watch = new StoreWatch({ clock, logger, metrics });
  const failed = (what: string) => (message: string, error: unknown) =>
    watch.report(what, message, error);
  const store = createStore(host, ms("lease"), ms("storeTimeout"));
  const registry = new Registry(options, tasks, metrics);
  const overrides = new Overrides();
  const asks = new Asks(registry, overrides);

  const turns: Turns = new Turns({
    engine,
    store,
    clock,
    callers: { wake: (id) => calls.wake(id) },
    onError: failed("turns"),
  });
  const onTurns = (list: readonly Turn[]) => void turns.tell(list);
  const admission = new Admission({
    store,
    clock,
    holder,
    timeoutMs: ms("storeTimeout"),
    watch,
    onTurns,
    onError: failed("store"),
  });
  const crowd = new Crowd({
    asks,
    store,
    engine,
    transaction: host.transaction,
    clock,
    holder,
    tasks,
    onError: failed("crowd"),
  });
  const tender = new Tender({
    asks,
    store,
    clock,
    holder,
    intervalMs: ms("tendInterval"),
    limiters: () => registry.definitions.keys(),
    onTurns: (list) => turns.tell(list),
    onError: failed("tend"),
  });
  const places = new Places({
    store,
    clock,
    holder,
    leaseMs: ms("lease"),
    running: host.running,
    onError: failed("places"),
  });
  const live = new LiveOverrides({
    store,
    overrides,
    clock,
    intervalMs: ms("pollInterval"),
    listen: options.listen,
    onTurns: (ids) => {
      for (const id of ids) calls.wake(id);
    },
    onChange: () => tender.noticed(),
    onProblem: (message) => logger.error(`plugin rateLimit: ${message}`),
    onError: failed("overrides"),
  });
  const sweeper = new Loop({
    clock,
    intervalMs: ms("sweepInterval"),
    async turn(signal) {
      try {
        while ((await store.sweep(SWEEP_PAGE)) === SWEEP_PAGE && !signal.aborted);
      } catch (error) {
        watch.report("sweep", "could not delete counts that nobody uses", error);
      }
    },
  });

  let opening: Promise<void> | undefined;
  const open = () => {
    opening ??= live.start().then(
      () => places.start(),
      (error: unknown) => {
        opening = undefined;
        throw error;
      },
    );
    return opening;
  };
  const onHeldBack = ({ limiter, key }: Use) => {
    if (limiter === TENANTS) registry.tenants?.exceeded(key);
  };
  const shared = { asks, admission, watch, clock, metrics, onHeldBack };
  const calls = new Calls({ ...shared, registry, store, open, onTurns });
  const hook = new RunHook({
    ...shared,
    concurrency: () => host.activity().concurrency,
    onLine: (task, bucket) => {
      crowd.noticed(task, bucket);
      tender.noticed();
    },
  });
  const limits = createLimits({ store, definitions: () => registry.definitions });
  if (options.sampleInterval !== false && host.mode === "worker") {
    showBuckets({
      meter: host.meter,
      clock,
      intervalMs: parseDuration(options.sampleInterval, "plugin rateLimit, sampleInterval"),
      read: () => store.states(undefined, MOST_STATES),
      onError: failed("sample"),
    });
  }

  return {
    api: createApi({ calls, limits }),
    hook,
    registry,
    store,
    watch,
    open,
    warmUp: () => admission.warmUp(),
    start() {
      tender.start();
      sweeper.start();
    },
    async stop() {
      await Promise.all([tender.stop(), sweeper.stop(), crowd.stop(), places.stop()]);
      await admission.stop();
      await turns.stop();
      await opening?.catch(() => {});
      await live.stop();
      opening = undefined;
      await store.stop?.();
    },
  };
}

function createStore(
  { options, query, pool, logger, schema }: PluginHost<ResolvedRateLimitOptions>,
  leaseMs: number,
  timeoutMs: number,
): RateLimitStore {
  const { store = postgresStore } = options;
  return store({ query, pool, logger, schema, leaseMs, timeoutMs });
}
