import {
  definePlugin,
  type Health,
  Loop,
  messageOf,
  type Plugin,
  type PluginHost,
  type PluginInstance,
  parseDuration,
} from "@oppulence/worker-core";
import { dlqCommands } from "./commands.ts";
import { failureHook } from "./failure-hook.ts";
import type { DLQManager } from "./manager.ts";
import { showSizes } from "./metrics.ts";
import {
  type DlqOptions,
  type DlqTaskOption,
  dlqOptions,
  dlqTaskOption,
  type ResolvedDlqOptions,
} from "./options.ts";
import { createParts, type Parts } from "./parts.ts";
import { readSizes } from "./postgres-counts.ts";

declare module "@oppulence/worker-core" {
  interface TaskOptions {
    /** What becomes of the task's failed jobs: false leaves them in the queue. */
    dlq?: DlqTaskOption;
  }
  interface PluginApis {
    dlq: DLQManager;
  }
}

/** How long handlers that are under way may take once the worker stops. */
const HANDLERS_GRACE_MS = 5_000;

/** The plugin that {@link dlq} makes. */
export type DlqPlugin = Plugin<"dlq", ResolvedDlqOptions, DLQManager>;

/**
 * Moves jobs that failed for good from the queue to a table of their own, where they are seen by cause,
 * reprocessed or discarded.
 *
 * In a worker it moves jobs as they fail, looks for failed jobs that no hook saw, and applies the retention. In
 * a client it has the API and the commands alone.
 *
 * @example
 * createWorker({ connectionString, tasks, plugins: [dlq({ retention: { ttl: "30d" } })] });
 */
export function dlq(options: DlqOptions = {}): DlqPlugin {
  return definePlugin({
    name: "dlq",
    package: "@oppulence/worker-dlq",
    options,
    optionsSchema: dlqOptions,
    taskOption: { key: "dlq", schema: dlqTaskOption },
    producers: "enforced-at-run",
    migrations: { directory: new URL("../sql/", import.meta.url) },
    setup,
  });
}

function setup(host: PluginHost<ResolvedDlqOptions>): PluginInstance<DLQManager> {
  const { clock } = host;
  const parts = createParts(host);
  const { manager, mover, policies, reconciler, handlers, failed } = parts;
  const sweeping = createSweeping(host, parts);
  return {
    api: manager,
    onFailure: failureHook({
      mover,
      policies,
      onMissed(error) {
        failed("move")(error.message, error);
        reconciler.missed(error.jobIds);
      },
    }),
    commands: dlqCommands(manager, clock),
    panels: [
      {
        id: "dlq",
        title: "Dead letters by cause",
        load: async ({ limit }) =>
          (await manager.groups({}, { limit: Math.min(limit, 1_000) })).map((group) => ({
            ...group,
          })),
      },
    ],
    health: sweeping.health,
    start() {
      if (host.mode !== "worker") return;
      sampleSizes(host, failed("sample"));
      sweeping.loop.start();
    },
    async stop() {
      await sweeping.loop.stop();
      await handlers.stop(HANDLERS_GRACE_MS);
    },
  };
}

/** The reconciler and the retention, turn by turn, and how well they are. */
function createSweeping(
  { clock, options }: PluginHost<ResolvedDlqOptions>,
  { reconciler, retention, metrics, failed }: Parts,
): { readonly loop: Loop; readonly health: () => Health } {
  let health: Health = { status: "ok" };
  const loop = new Loop({
    clock,
    intervalMs: parseDuration(options.reconcileInterval, "plugin dlq, reconcileInterval"),
    async turn(signal) {
      try {
        await reconciler.turn(signal);
        await retention.turn(signal);
        health = { status: "ok" };
      } catch (error) {
        const message = `could not look for failed jobs: ${messageOf(error)}`;
        // One line for an outage, not one for each turn of it.
        if (health.status === "ok") failed("reconcile")(message, error);
        else metrics.errors.add(1, { what: "reconcile" });
        health = { status: "degraded", detail: message };
      }
    },
  });
  return { loop, health: () => health };
}

function sampleSizes(
  { meter, clock, options, query, schema }: PluginHost<ResolvedDlqOptions>,
  onError: (message: string, error: unknown) => void,
): void {
  if (options.sampleInterval === false) return;
  showSizes({
    meter,
    clock,
    intervalMs: parseDuration(options.sampleInterval, "plugin dlq, sampleInterval"),
    read: () => readSizes(query, schema),
    onError,
  });
}
