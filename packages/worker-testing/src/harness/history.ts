import type { EventMap, Events, Labels, Reason } from "@oppulence/worker-core";
import { labelsOf } from "./labels-of.ts";

/** Events that are about a job in the queue. */
const JOB_EVENTS = [
  "job:started",
  "job:succeeded",
  "job:failed",
  "job:exhausted",
  "job:deferred",
  "job:skipped",
  "job:interrupted",
] as const satisfies readonly (keyof EventMap)[];

/** Events of the harness's worker that tell about a job. */
export type JobEventName = (typeof JOB_EVENTS)[number];

/** Something that happened to a job in the harness's worker. */
export interface JobEvent {
  readonly name: JobEventName;
  readonly id: string;
  readonly task: string;
  readonly labels: Labels;
  /** The attempts that were counted when it happened. */
  readonly attempts: number;
  /** What the task threw. */
  readonly error: unknown;
  /** Why a plugin stopped the job. */
  readonly reason: Reason | undefined;
}

/** What happened so far, and who wants to know of more. */
export interface History {
  /** Oldest first; grows. */
  readonly events: readonly JobEvent[];
  /** Calls back on every further event of any kind. */
  onChange(listener: () => void): () => void;
}

/** Records a worker's events. A job's row is copied: the core changes it once the event is over. */
export function recordHistory(source: Events): History {
  const events: JobEvent[] = [];
  const listeners = new Set<() => void>();
  for (const name of JOB_EVENTS) {
    source.on(name, (event) => {
      const { job } = event;
      events.push({
        name,
        id: job.id,
        task: job.task_identifier,
        labels: labelsOf(job),
        attempts: job.attempts,
        error: "error" in event ? event.error : undefined,
        reason: "reason" in event ? event.reason : undefined,
      });
      for (const listener of [...listeners]) listener();
    });
  }
  return {
    events,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
