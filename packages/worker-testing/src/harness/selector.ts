import type { AnyTask, EnqueueResult, Labels } from "@oppulence/worker-core";
import type { JobEvent } from "./history.ts";

/** Which job is meant: its id, what adding it returned, or its task and labels (any of them that fits). */
export type JobSelector =
  | string
  | EnqueueResult
  | { readonly task: AnyTask | string; readonly labels?: Labels };

/** A selector, resolved. */
export type Selection =
  | { readonly id: string }
  | { readonly task: string; readonly labels: Labels }
  | { readonly dropped: Extract<EnqueueResult, { status: "dropped" }> };

/** Resolves a selector. */
export function toSelection(selector: JobSelector): Selection {
  if (typeof selector === "string") return { id: selector };
  if (!("status" in selector)) {
    const { task, labels = {} } = selector;
    return { task: typeof task === "string" ? task : task.identifier, labels };
  }
  return selector.status === "added" ? { id: selector.id } : { dropped: selector };
}

/** Whether an event is about a selected job. */
export function selects(selection: Selection, event: JobEvent): boolean {
  if ("id" in selection) return event.id === selection.id;
  if ("dropped" in selection) return false;
  return (
    event.task === selection.task &&
    Object.entries(selection.labels).every(([name, value]) => event.labels[name] === value)
  );
}

/** A selection for messages: `job 12`, or `a job of send_email with tenant=acme`. */
export function describeSelection(selection: Selection): string {
  if ("id" in selection) return `job ${selection.id}`;
  if ("dropped" in selection) return "a job that was dropped";
  const labels = Object.entries(selection.labels).map(([name, value]) => `${name}=${value}`);
  return `a job of ${selection.task}${labels.length === 0 ? "" : ` with ${labels.join(", ")}`}`;
}
