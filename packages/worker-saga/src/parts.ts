import { messageOf, type PluginHost, parseDuration } from "@oppulence/worker-core";
import { SagaApi } from "./api.ts";
import { Children } from "./children.ts";
import { GateKeeper } from "./gate-keeper.ts";
import { Gates } from "./gates.ts";
import { createMetrics, type SagaMetrics } from "./metrics.ts";
import { Mover } from "./mover.ts";
import type { ResolvedSagaOptions } from "./options.ts";
import { Definitions } from "./postgres-definitions.ts";
import { GateStore } from "./postgres-gates.ts";
import { SagaReader } from "./postgres-read.ts";
import { SagaStore } from "./postgres-store.ts";
import { StrayStore } from "./postgres-strays.ts";
import { prepared } from "./prepared.ts";
import { Reconciler } from "./reconciler.ts";
import { Recorder } from "./recorder.ts";
import { Redriver } from "./redriver.ts";
import type { Registry } from "./registry.ts";
import { Signals } from "./signals.ts";
import { Starter } from "./starter.ts";
import { StepRunner } from "./step-runner.ts";
import { Strays } from "./strays.ts";
import { Timers } from "./timers.ts";
import { Watch } from "./watch.ts";

/** What the plugin of one worker or client is made of. */
export interface Parts {
  readonly api: SagaApi;
  readonly runner: StepRunner;
  readonly recorder: Recorder;
  readonly watch: Watch;
  readonly reconciler: Reconciler;
  readonly reader: SagaReader;
  readonly definitions: Definitions;
  readonly timers: Timers;
  readonly gates: Gates;
  readonly strays: Strays;
  readonly metrics: SagaMetrics;
  readonly onError: (what: string, error: unknown) => void;
}

/** An attempt or a queued job this young is not looked for by the reconciler. */
const STALE_MS = 5_000;

/** Puts the parts together; nothing is started. */
export function createParts(
  host: PluginHost<ResolvedSagaOptions>,
  registry: Registry,
  signal: AbortSignal,
): Parts {
  const { options, schema, query, clock, logger } = host;
  const metrics = createMetrics(host.meter);
  const onError = (what: string, error: unknown) => {
    metrics.errors.add(1, { what });
    logger.error(`${what} failed: ${messageOf(error)}`, { error });
  };
  const store = new SagaStore(host);
  const reader = new SagaReader(schema);
  const definitions = new Definitions(schema, query);
  const graceMs = parseDuration(options.cancelGrace, "plugin saga, cancelGrace");
  const timers = new Timers(clock, () => watch.fire());
  const statements = prepared(host, options.preparedStatements);
  const mover = new Mover({
    host,
    transaction: statements.transaction,
    store,
    definitions,
    metrics,
    onTimer: (seconds) => timers.expect(seconds),
    signal,
  });
  const recorder = new Recorder(statements, store, mover, signal, host.clock);
  const maxBytes = options.maxValueBytes;
  const children = new Children({ host, store, reader, mover, definitions, maxBytes });
  const runner = new StepRunner({
    host,
    store,
    reader,
    mover,
    recorder,
    children,
    maxBytes,
    graceMs,
    signal,
  });
  const gateStore = new GateStore(schema);
  const retentionMs = parseDuration(options.retention, "plugin saga, retention");
  const keeper = new GateKeeper({ host, store: gateStore, retentionMs });
  const gates = new Gates({
    host,
    store: gateStore,
    reader,
    definitions,
    signal,
    onSettled: () => void keeper.act().catch((error: unknown) => onError("gates", error)),
  });
  const strays = new Strays({ host, store: new StrayStore(schema), registry, onError });
  const watch = new Watch({ host, store, reader, mover, runner, keeper, strays, graceMs, onError });
  const reconciler = new Reconciler({
    host,
    store,
    reader,
    mover,
    keeper,
    strays,
    retentionMs,
    staleMs: STALE_MS,
    onError,
  });
  const shared = { host, registry, definitions, store, reader, mover };
  const api = new SagaApi({
    ...shared,
    starter: new Starter(shared),
    redriver: new Redriver(shared),
    signals: new Signals(shared),
    gates,
  });
  return {
    api,
    runner,
    recorder,
    watch,
    reconciler,
    reader,
    definitions,
    timers,
    gates,
    strays,
    metrics,
    onError,
  };
}
