import {
  type AddJobOptions,
  type AnyPlugin,
  type EnqueueResult,
  type HookName,
  isJobRejectedError,
  type JobOptions,
  messageOf,
} from "@oppulence/worker-core";
import { type Tap, tapPlugin } from "../faults/tap-plugin.ts";
import { createHarness, type Harness } from "../harness/create-harness.ts";
import type { WaitState } from "../harness/wait-for.ts";
import type { TestDatabase } from "../postgres/test-database.ts";
import type { Cell } from "./cells.ts";
import { ConformanceError } from "./errors.ts";
import type { FixtureContext } from "./fixtures.ts";
import { createNeighbour, type Neighbour } from "./neighbour.ts";
import { createScript, type Script } from "./script.ts";
import type { Subject } from "./subject.ts";

/** How a stage is set. */
export interface StageOptions {
  readonly cell: Cell;
  /** Two neighbours, before and after the plugin. @defaultValue false */
  readonly neighbours?: boolean;
  /** A tap on the plugin. */
  readonly tap?: Tap;
  /** @defaultValue a fresh one, dropped at the end */
  readonly database?: TestDatabase;
  /** For checks with many jobs: more at once, and more connections. @defaultValue false */
  readonly busy?: boolean;
}

/** What became of a job that was to be added. */
export type Added = EnqueueResult | { readonly status: "rejected"; readonly error: unknown };

/** A hook or permit that failed. */
export interface PluginFailure {
  readonly plugin: string;
  readonly hook: HookName | "permit" | "around";
  readonly error: unknown;
}

/** A worker with the plugin under test, for one check. */
export interface Stage {
  readonly subject: Subject;
  readonly harness: Harness;
  readonly script: Script;
  readonly context: FixtureContext;
  readonly before: Neighbour;
  readonly after: Neighbour;
  /** What the neighbours and taps said, oldest first. */
  readonly log: string[];
  /** Failures of any plugin's hooks and permits. */
  readonly failures: readonly PluginFailure[];
  /** A payload of its own. */
  payload(): unknown;
  /** Adds a job of the fixture's task by `addJob`. */
  add(options?: AddJobOptions, payload?: unknown): Promise<Added>;
  /** The options of every job, with more. */
  options(more?: JobOptions): JobOptions;
  /** Waits until a job is in a state. @throws ConformanceError that begins with `what` */
  wait(added: Added, state: WaitState, what: string): Promise<void>;
  /** Makes every job that is due later due now. */
  bringForward(): Promise<void>;
}

const POOL_SIZE = 3;
const BUSY_JOBS = 4;

/** Sets a stage, plays on it, and clears it away. */
export async function onStage<T>(
  subject: Subject,
  options: StageOptions,
  play: (stage: Stage) => Promise<T>,
): Promise<T> {
  const database = options.database ?? (await subject.migratedDatabase());
  let stage: Stage | undefined;
  try {
    stage = await openStage(subject, options, database);
    return await play(stage);
  } finally {
    // What went wrong on the stage is worth more than what goes wrong when it is cleared.
    await stage?.harness.stop().catch(() => {});
    if (options.database === undefined) await database.drop();
  }
}

async function openStage(
  subject: Subject,
  { cell, neighbours = false, busy = false, tap }: StageOptions,
  database: TestDatabase,
): Promise<Stage> {
  const { fixtures, name, timeoutMs } = subject;
  const script = createScript(fixtures);
  const log: string[] = [];
  const failures: PluginFailure[] = [];
  const before = createNeighbour("before", name, log);
  const after = createNeighbour("after", name, log);
  const own = subject.make();
  const plugin = tap === undefined ? own : tapPlugin(own, tap);
  const plugins: AnyPlugin[] = [...(fixtures.with?.() ?? []), plugin];
  const harness: Harness = await createHarness({
    database,
    tasks: [...script.tasks, ...(fixtures.tasks ?? [])],
    plugins: neighbours ? [before.plugin, ...plugins, after.plugin] : plugins,
    worker: busy ? { ...cell.worker, concurrentJobs: BUSY_JOBS } : cell.worker,
    poolSize: busy ? BUSY_JOBS + 1 : POOL_SIZE,
    // The database is a copy of a migrated one.
    migrations: "off",
    stopTimeout: 500,
    timeout: timeoutMs,
  });
  harness.worker.events.on("plugin:error", (failure) => void failures.push(failure));
  const payload = () => structuredClone(fixtures.payload ?? { conformance: true });
  const context: FixtureContext = {
    api: harness.worker.plugins[name],
    query: harness.sql,
    task: script.taskFor(payload()).identifier,
  };
  await fixtures.prepare?.(context);
  return {
    subject,
    harness,
    script,
    context,
    before,
    after,
    log,
    failures,
    payload,
    add: (options, given = payload()) =>
      add(harness, script, given, { ...fixtures.jobOptions, ...options }),
    options: (more) => ({ ...fixtures.jobOptions, ...more }),
    wait: (added, state, what) => wait(harness, added, state, what),
    bringForward: () => bringForward(harness),
  };
}

async function add(
  { enqueue }: Harness,
  script: Script,
  payload: unknown,
  options: AddJobOptions,
): Promise<Added> {
  try {
    return await enqueue(script.taskFor(payload), payload as never, options);
  } catch (error) {
    if (isJobRejectedError(error)) return { status: "rejected", error };
    throw error;
  }
}

async function wait(harness: Harness, added: Added, state: WaitState, what: string): Promise<void> {
  if (added.status !== "added") {
    const why = added.status === "dropped" ? added.reason.message : messageOf(added.error);
    throw new ConformanceError(`${what}; addJob ${added.status} it: ${why}`);
  }
  try {
    await harness.waitFor(added, state);
  } catch (error) {
    throw new ConformanceError(`${what}; ${messageOf(error)}`, { cause: error });
  }
}

async function bringForward({ worker: { engine } }: Harness): Promise<void> {
  const waiting = await engine.peek({ states: ["scheduled", "held"], limit: 1_000 });
  const ids = waiting.map(({ job }) => job.id);
  // An instant of the past: this machine's clock may be ahead of the database's.
  if (ids.length > 0) await engine.reschedule(ids, { runAt: new Date(Date.now() - 60_000) });
}
