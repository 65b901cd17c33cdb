import type { Task as EngineTask, JobHelpers } from "graphile-worker";
import type { Composition } from "../compose/compose.ts";
import type { FailureDecision, RunDecision } from "../contract/decisions.ts";
import type { AfterRunInput, FailureInput, RunInput } from "../contract/hooks.ts";
import type { Query } from "../contract/query.ts";
import type {
  AddJob,
  AddJobs,
  AnyTask,
  RunTransaction,
  Schema,
  TaskInfo,
} from "../contract/task.ts";
import type { Engine } from "../engine/engine.ts";
import type { Events } from "../events.ts";
import { plainInfo } from "../plain-tasks.ts";
import { type CompiledHook, compileHooks, type HookReport } from "./hook.ts";
import { JobRun } from "./job-run.ts";
import type { Leaving } from "./leaving.ts";
import { rollBackLate } from "./permits.ts";
import { runBare } from "./run-bare.ts";
import type { RunningJobs } from "./running-jobs.ts";

/** What all runs of a worker share. */
export interface RunShared {
  readonly engine: Engine;
  readonly events: Events;
  readonly report: HookReport;
  readonly query: Query;
  readonly transaction: RunTransaction;
  readonly addJob: AddJob;
  readonly addJobs: AddJobs;
  /** Runs that hooks apply to, while they last. */
  readonly running: RunningJobs;
  /** Rows that plugins are moving away. */
  readonly leaving: Leaving;
  /** Aborts when a stop's bound has passed. */
  readonly interrupted: AbortSignal;
}

/** A task with the hooks that apply to it. */
export interface RunTask {
  readonly info: TaskInfo;
  readonly schema: Schema<any, any> | undefined;
  readonly run: (payload: any, context: any) => unknown;
  /** A plain graphile-worker function: called with graphile-worker's helpers. */
  readonly plain: boolean;
  readonly beforeRun: readonly CompiledHook<RunInput, RunDecision>[];
  readonly afterRun: readonly CompiledHook<AfterRunInput, never>[];
  readonly onFailure: readonly CompiledHook<FailureInput, FailureDecision>[];
}

/** A task on its way to the engine. */
export interface TaskSource {
  readonly info: TaskInfo;
  readonly run: (payload: any, context: any) => unknown;
  readonly plain: boolean;
}

/**
 * Turns tasks into the functions that the engine calls. Hooks are chosen here, once: a plain task that no
 * hook applies to is handed over as it is, and a defined one is only given its payload and context.
 */
export function createTaskWrapper(
  composition: Composition,
  shared: RunShared,
): (source: TaskSource) => EngineTask {
  const beforeRun = compileHooks<RunInput, RunDecision>(
    composition.beforeRun,
    "beforeRun",
    shared.report,
    true,
    (plugin, late) => rollBackLate(plugin, late, shared.report),
  );
  const afterRun = compileHooks<AfterRunInput, never>(
    composition.afterRun,
    "afterRun",
    shared.report,
    true,
  );
  const onFailure = compileHooks<FailureInput, FailureDecision>(
    composition.onFailure,
    "onFailure",
    shared.report,
    true,
  );
  return ({ info, run, plain }) => {
    const applies = (hook: { appliesTo: (task: TaskInfo) => boolean }) => hook.appliesTo(info);
    const task: RunTask = {
      info,
      schema: info.payload,
      run,
      plain,
      beforeRun: beforeRun.filter(applies),
      afterRun: afterRun.filter(applies),
      onFailure: onFailure.filter(applies),
    };
    if (task.beforeRun.length + task.afterRun.length + task.onFailure.length > 0) {
      return ((payload: unknown, helpers: JobHelpers) =>
        new JobRun(shared, task, payload, helpers).start()) as EngineTask;
    }
    return plain ? (run as EngineTask) : runBare(shared, task);
  };
}

/** A task made by `defineTask`, as its plugins and the engine see it. */
export function definedSource(task: AnyTask): TaskSource {
  const { identifier, options, payload, spec, run } = task;
  if (run === undefined) throw new TypeError(`task ${identifier} is only declared`);
  return { info: { identifier, options, payload, spec }, run, plain: false };
}

/** A plain graphile-worker function, as plugins and the engine see it. */
export function plainSource(identifier: string, run: EngineTask): TaskSource {
  return {
    info: plainInfo(identifier),
    run: run as TaskSource["run"],
    plain: true,
  };
}
