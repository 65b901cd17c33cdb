import type { Around } from "../contract/decisions.ts";
import { HookError } from "../errors.ts";
import { type HookReport, isPromise } from "./hook.ts";

/**
 * Runs a task inside the `around` wrappers, the first granted outermost.
 *
 * A wrapper that fails before it called `next` breaks the contract in a way that must not cost the job its
 * run: it is reported and the task runs without it. One that calls `next` twice gets the first call's result
 * again: the task never runs twice. One that forgets to call it is reported, and the task runs. One that
 * does not wait for it, or resolves although it failed, is reported, and what the task came to counts.
 */
export function runAround(
  wrappers: readonly { readonly plugin: string; readonly around: Around }[],
  task: () => unknown,
  report: HookReport,
): unknown {
  const [first, second] = wrappers;
  // Of most jobs there is one at the most.
  if (first !== undefined && second === undefined)
    return guarded(first.plugin, first.around, task, report);
  return wrappers.reduceRight<() => unknown>(
    (next, { plugin, around }) =>
      () =>
        guarded(plugin, around, next, report),
    task,
  )();
}

function guarded(plugin: string, around: Around, next: () => unknown, report: HookReport): unknown {
  let called = false;
  let inner: unknown;
  const once = () => {
    if (called) {
      report.failed(
        plugin,
        "around",
        new HookError(plugin, "around", "called next more than once; the task ran once"),
      );
      return inner;
    }
    called = true;
    try {
      inner = next();
    } catch (error) {
      // Kept as a rejection, so that a second call sees the same failure.
      inner = Promise.reject(error);
      (inner as Promise<unknown>).catch(() => {});
    }
    return inner;
  };
  const missed = (problem: unknown) => {
    report.failed(plugin, "around", problem);
    return once();
  };
  const forgot = () => missed(new HookError(plugin, "around", "returned without calling next"));

  let outcome: unknown;
  try {
    outcome = around(once);
  } catch (error) {
    if (!called) return missed(error);
    throw error;
  }
  if (outcome === inner && called) return outcome;
  if (!called && !isPromise(outcome)) return forgot();
  let state: "running" | "failed" | "done" = isPromise(inner) ? "running" : "done";
  if (isPromise(inner)) {
    inner.then(
      () => {
        state = "done";
      },
      () => {
        state = "failed";
      },
    );
  }
  // Else the job would be completed while its task still runs, or although it failed.
  const waited = (value: unknown) => {
    if (state === "done") return value;
    const problem =
      state === "running" ? "did not wait for next" : "kept the task's error to itself";
    report.failed(plugin, "around", new HookError(plugin, "around", problem));
    return inner;
  };
  if (!isPromise(outcome)) return waited(outcome);
  return outcome.then(
    (value) => (called ? waited(value) : forgot()),
    (error) => {
      if (!called) return missed(error);
      throw error;
    },
  );
}
