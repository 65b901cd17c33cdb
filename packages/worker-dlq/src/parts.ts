import { type PluginHost, parseDuration } from "@oppulence/worker-core";
import { Deletion } from "./deletion.ts";
import { HandlerQueue } from "./handlers.ts";
import { DLQManager } from "./manager.ts";
import { createMetrics, type DlqMetrics } from "./metrics.ts";
import { Mover } from "./mover.ts";
import type { ResolvedDlqOptions } from "./options.ts";
import { createPolicies, type Policies } from "./policies.ts";
import { DlqStore } from "./postgres-store.ts";
import { Reconciler } from "./reconciler.ts";
import { Requeue } from "./requeue.ts";
import { Retention } from "./retention.ts";

/** What the plugin of one worker or client is made of. */
export interface Parts {
  readonly manager: DLQManager;
  readonly mover: Mover;
  readonly policies: Policies;
  readonly reconciler: Reconciler;
  readonly retention: Retention;
  readonly handlers: HandlerQueue;
  readonly metrics: DlqMetrics;
  /** Makes a function that counts and logs what failed. */
  readonly failed: (what: string) => (message: string, error: unknown) => void;
}

/** Puts the parts together; nothing is started. */
export function createParts(host: PluginHost<ResolvedDlqOptions>): Parts {
  const { options, clock, logger, tasks, engine, query, schema } = host;
  const { maxRequeues, unknownTasks, requeueBackoff } = options;
  const metrics = createMetrics(host.meter);
  const failed = (what: string) => (message: string, error: unknown) => {
    metrics.errors.add(1, { what });
    logger.error(message, { error });
  };

  const policies = createPolicies(options, tasks, unknownTasks);
  const store = new DlqStore(query, schema, maxRequeues);
  const handlers = new HandlerQueue({
    handlersOf: (task) => policies.of(task).handlers,
    timeoutMs: parseDuration(options.handlerTimeout, "plugin dlq, handlerTimeout"),
    clock,
    onError: failed("handler"),
  });
  const mover = new Mover({ host, store, policies, metrics, handlers, maxRequeues });
  const deletion = new Deletion({
    host,
    store,
    policies,
    clock,
    archiveTimeoutMs: parseDuration(options.archiveTimeout, "plugin dlq, archiveTimeout"),
    maxRequeues,
    onArchiveError: failed("archive"),
  });
  const reconciler = new Reconciler({ engine, tasks, policies, mover, unknownTasks });
  const retention = new Retention({ store, policies, deletion, tasks });
  const backoff = {
    baseMs: parseDuration(requeueBackoff.base, "plugin dlq, requeueBackoff.base"),
    factor: requeueBackoff.factor,
    maxMs: parseDuration(requeueBackoff.max, "plugin dlq, requeueBackoff.max"),
  };
  const requeue = new Requeue({ host, store, metrics, maxRequeues, backoff });
  const manager = new DLQManager({
    host,
    store,
    policies,
    mover,
    requeue,
    deletion,
    reconciler,
    retention,
    maxRequeues,
  });
  return { manager, mover, policies, reconciler, retention, handlers, metrics, failed };
}
