import type { Bound } from "../compose/compose.ts";
import type { HookCall, HookName, HookPlace, OnError } from "../contract/hooks.ts";
import type { TaskInfo } from "../contract/task.ts";
import { parseDuration } from "../duration.ts";
import { createBatcher } from "../engine/batcher.ts";
import { HookError } from "../errors.ts";
import type { Events } from "../events.ts";
import type { Counter, Histogram, Meter } from "../meter.ts";

const DEFAULT_TIMEOUT_MS = 5_000;

/** A hook ready to be called for one job. */
export interface CompiledHook<TInput, TDecision> {
  readonly plugin: string;
  readonly name: HookName;
  readonly onError: OnError;
  readonly timeoutMs: number;
  readonly call: (
    input: TInput,
  ) => TDecision | undefined | void | Promise<TDecision | undefined | void>;
  /** The batch form, where the plugin gave that one. */
  readonly batch:
    | ((
        inputs: readonly TInput[],
      ) => readonly (TDecision | undefined)[] | Promise<readonly (TDecision | undefined)[]>)
    | undefined;
  /** The tasks it applies to. */
  readonly appliesTo: (task: TaskInfo) => boolean;
}

/** Where hooks report: metrics and events. */
export interface HookReport {
  readonly failed: (plugin: string, hook: HookName | "permit" | "around", error: unknown) => void;
  readonly duration: Histogram<"plugin" | "hook"> | undefined;
}

/** Makes a {@link HookReport}. */
export function createHookReport(
  meter: Meter,
  events: Events,
  onError: (plugin: string, hook: string, error: unknown) => void,
): HookReport {
  const errors: Counter<"plugin" | "hook"> = meter.counter({
    name: "worker_plugin_errors_total",
    help: "Calls of plugins' hooks and permits that threw, timed out or broke the contract",
    labels: ["plugin", "hook"],
  });
  return {
    failed(plugin, hook, error) {
      errors.add(1, { plugin, hook });
      events.emit("plugin:error", { plugin, hook, error });
      onError(plugin, hook, error);
    },
    duration: meter.enabled
      ? meter.histogram({
          name: "worker_plugin_hook_duration_seconds",
          help: "Time that plugins' hooks took",
          labels: ["plugin", "hook"],
          buckets: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
        })
      : undefined,
  };
}

type AnyHook<TInput, TDecision> = HookPlace &
  HookCall<TInput, TDecision> & { readonly onError?: OnError };

/**
 * Compiles an ordered list of hooks.
 *
 * @param gather - whether a batch form is fed from calls of one tick (run side) or by the caller (enqueue side)
 * @param late - given what a gathered batch decides after its timeout
 */
export function compileHooks<TInput, TDecision>(
  bound: readonly Bound<AnyHook<TInput, TDecision>>[],
  name: HookName,
  report: HookReport,
  gather: boolean,
  late?: (plugin: string, decision: TDecision | undefined) => void,
): CompiledHook<TInput, TDecision>[] {
  return bound.map(({ plugin, hook }) => {
    const where = `plugin ${plugin}, ${name}`;
    const timeoutMs =
      hook.timeout === undefined
        ? DEFAULT_TIMEOUT_MS
        : parseDuration(hook.timeout, `${where}, timeout`);
    const batch = hook.batch === undefined ? undefined : checkedBatch(hook.batch, where);
    const bounded: Batch<TInput, TDecision> | undefined =
      batch &&
      ((inputs) => {
        const decisions = batch(inputs);
        return isPromise(decisions)
          ? within(decisions, timeoutMs, plugin, name, (all) => {
              for (const decision of all) late?.(plugin, decision);
            })
          : decisions;
      });
    const single = hook.run ?? singleFromBatch(bounded as NonNullable<typeof bounded>, gather);
    return {
      plugin,
      name,
      // An after-hook that fails decides nothing: the job goes on as if it were not there.
      onError: hook.onError ?? "open",
      timeoutMs,
      call: timed(single, plugin, name, report),
      batch,
      appliesTo: hook.appliesTo ?? (() => true),
    };
  });
}

type Single<TInput, TDecision> = CompiledHook<TInput, TDecision>["call"];
type Batch<TInput, TDecision> = NonNullable<CompiledHook<TInput, TDecision>["batch"]>;

/** @param batch - bounded in time, as a call that never ended would hold up all later ones */
function singleFromBatch<TInput, TDecision>(
  batch: Batch<TInput, TDecision>,
  gather: boolean,
): Single<TInput, TDecision> {
  if (gather) return createBatcher<TInput, TDecision | undefined>(async (inputs) => batch(inputs));
  return async (input) => (await batch([input]))[0];
}

function checkedBatch<TInput, TDecision>(
  batch: Batch<TInput, TDecision>,
  where: string,
): Batch<TInput, TDecision> {
  const check = (inputs: readonly TInput[], decisions: readonly (TDecision | undefined)[]) => {
    if (Array.isArray(decisions) && decisions.length === inputs.length) return decisions;
    throw new TypeError(
      `${where}: batch got ${inputs.length} jobs and returned ${Array.isArray(decisions) ? `${decisions.length} decisions` : typeof decisions}; it returns one decision a job, in order`,
    );
  };
  return (inputs) => {
    const decisions = batch(inputs);
    return isPromise(decisions)
      ? decisions.then((all) => check(inputs, all))
      : check(inputs, decisions);
  };
}

function timed<TInput, TDecision>(
  call: Single<TInput, TDecision>,
  plugin: string,
  hook: HookName,
  report: HookReport,
): Single<TInput, TDecision> {
  const { duration } = report;
  if (duration === undefined) return call;
  const labels = { plugin, hook };
  return (input) => {
    const started = performance.now();
    const record = () => duration.record((performance.now() - started) / 1_000, labels);
    let pending = false;
    try {
      const decision = call(input);
      if (!isPromise(decision)) return decision;
      pending = true;
      // Not every thenable has a `finally`.
      return Promise.resolve(decision).finally(record);
    } finally {
      if (!pending) record();
    }
  };
}

/** Whether a value has to be awaited. */
export function isPromise<T>(value: T | Promise<T> | PromiseLike<T>): value is Promise<T> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

/**
 * Bounds how long a hook's promise is waited for. What comes after the bound is handed to `late`, so that a
 * permit granted too late is not lost.
 *
 * @throws HookError when the bound passes
 */
export function within<T>(
  promise: Promise<T>,
  timeoutMs: number,
  plugin: string,
  hook: string,
  late?: (value: T) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let open = true;
    const timer = setTimeout(() => {
      open = false;
      reject(new HookError(plugin, hook, `did not settle within ${timeoutMs} ms`));
    }, timeoutMs);
    promise.then(
      (value) => {
        clearTimeout(timer);
        if (open) resolve(value);
        else late?.(value);
      },
      (error) => {
        clearTimeout(timer);
        if (open) reject(error);
      },
    );
  });
}
