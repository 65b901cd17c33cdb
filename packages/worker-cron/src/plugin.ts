import {
  ConfigurationError,
  definePlugin,
  type Health,
  Loop,
  type Plugin,
  type PluginHost,
  type PluginInstance,
  parseDuration,
} from "@oppulence/worker-core";
import { type CronApi, createApi } from "./api.ts";
import { scheduleCommands } from "./commands.ts";
import type { AnySchedule } from "./definition.ts";
import { InvalidScheduleError } from "./errors.ts";
import { createHandlerTask } from "./handler-task.ts";
import { createHooks } from "./hooks.ts";
import { showNextRuns } from "./metrics.ts";
import { type CronOptions, cronOptions, type ResolvedCronOptions } from "./options.ts";
import { schedulePanels } from "./panels.ts";
import { createParts, type Parts } from "./parts.ts";
import { createRegistry, type Registry } from "./registry.ts";
import { problemsAtStart } from "./start-checks.ts";
import { Watch } from "./watch.ts";

declare module "@oppulence/worker-core" {
  interface PluginApis {
    cron: CronApi;
  }
}

/** The plugin that {@link cron} makes. */
export type CronPlugin = Plugin<"cron", ResolvedCronOptions, CronApi>;

/**
 * Schedules that fire each slot exactly once, among any number of processes, in the right local hour, and
 * that can be explained.
 *
 * In a worker it reconciles the code's schedules with the database and fires what is due. In a client it has
 * the API and the commands alone.
 *
 * @example
 * createWorker({ connectionString, plugins: [cron({ schedules: [nightly] })] });
 */
export function cron({ schedules = [], ...options }: CronOptions = {}): CronPlugin {
  // By key, so that the overlay can name one: plugins.cron.schedules.nightly-report.cron.
  const byKey: Record<string, AnySchedule> = {};
  const twice: string[] = [];
  for (const schedule of schedules) {
    const key = String(schedule?.key);
    if (Object.hasOwn(byKey, key)) twice.push(key);
    byKey[key] = schedule;
  }
  return definePlugin({
    name: "cron",
    package: "@oppulence/worker-cron",
    options: { ...options, schedules: byKey },
    optionsSchema: cronOptions.superRefine((_, context) => {
      for (const key of twice) {
        const message = "the key is there twice; a key names one schedule";
        context.addIssue({ code: "custom", path: ["schedules", key], message });
      }
    }),
    producers: "enforced-at-run",
    migrations: { directory: new URL("../sql/", import.meta.url) },
    setup,
  });
}

function setup(host: PluginHost<ResolvedCronOptions>): PluginInstance<CronApi> {
  const { options, clock, logger, meter } = host;
  const made = createRegistry(options);
  const { problems } = made;
  let { registry } = made;
  const parts = createParts(host, () => registry);
  const { ticker, recorder, reconciler, metrics, table } = parts;
  if (problems.length > 0) {
    metrics.validationErrors.add(problems.length);
    const errors = problems.map(
      ({ key, problems: all }) => new InvalidScheduleError(key, all).message,
    );
    throw new ConfigurationError(errors.map((message) => `plugin cron, ${message}`));
  }
  const handled = Object.values(options.schedules).filter(({ handler }) => handler !== undefined);
  const watch = new Watch({ parts, logger });
  const loop = new Loop({
    clock,
    intervalMs: parseDuration(options.driftInterval, "plugin cron, driftInterval"),
    turn: () => watch.turn(),
  });

  let endOptions: (() => void) | undefined;
  /** The overlay has changed: schedules of the code are what they are now, or stay as they were. */
  async function change(next: ResolvedCronOptions): Promise<void> {
    const made = createRegistry(next);
    const problems = [
      ...made.problems.map(({ key, problems: all }) => new InvalidScheduleError(key, all).message),
      ...(await problemsAtStart(host, made.registry)),
    ];
    if (problems.length > 0) {
      metrics.validationErrors.add(problems.length);
      throw new ConfigurationError(problems);
    }
    const isSame = made.registry.fingerprint === registry.fingerprint;
    registry = made.registry;
    if (!isSame) await watch.change();
  }

  const api = createApi(host, parts);
  return {
    api,
    tasks: handled.map((definition) => createHandlerTask(definition, clock, metrics)),
    ...createHooks(recorder, metrics),
    commands: scheduleCommands(api, clock),
    panels: schedulePanels(parts, host),
    health: () => healthOf(parts, watch),
    check: () => problemsAtStart(host, registry),
    async start() {
      await startUp(host, registry, parts);
      if (host.mode !== "worker") return;
      showNextRuns(
        meter,
        (limit) => table.nextSlots(host.query, limit),
        (error) => {
          metrics.errors.add(1, { what: "sample" });
          logger.warn("could not read when schedules are due next", { error });
        },
      );
      await reconciler.reconcile();
      loop.start();
      ticker.start();
      endOptions ??= host.onOptions(change);
    },
    async stop() {
      endOptions?.();
      endOptions = undefined;
      await loop.stop();
      await ticker.stop();
      await recorder.settle();
    },
  };
}

/** What can only be known once all tasks and plugins are there. */
async function startUp(
  host: PluginHost<unknown>,
  registry: Registry,
  { metrics }: Parts,
): Promise<void> {
  if (host.mode !== "worker") return;
  const problems = await problemsAtStart(host, registry);
  if (problems.length === 0) return;
  metrics.validationErrors.add(problems.length);
  throw new ConfigurationError(problems.map((problem) => `plugin cron, ${problem}`));
}

function healthOf({ ticker, reconciler }: Parts, watch: Watch): Health {
  const problem = ticker.problem ?? watch.problem;
  if (problem !== undefined) return { status: "degraded", detail: problem };
  const { taken } = reconciler;
  if (taken.length === 0) return { status: "ok" };
  return {
    status: "degraded",
    detail: `schedules of the code whose key one made at run time has: ${taken.join(", ")}`,
  };
}
