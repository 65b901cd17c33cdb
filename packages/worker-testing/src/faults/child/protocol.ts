import type { EnqueueResult, JobOptions } from "@oppulence/worker-core";
import type { ParsedPoint } from "../point.ts";

/** The environment variable that tells a child what to do, as JSON. */
export const CHILD_ENV = "OPPULENCE_WORKER_CHILD";
/** The child's file descriptor for messages: written synchronously, so that none is lost in a kill. */
export const MESSAGE_FD = 4;

/** A job for the child's worker to add once it has started. */
export interface ChildJob extends Omit<JobOptions, "runAt"> {
  readonly task: string;
  readonly payload: unknown;
}

/** What a child is to do. */
export interface ChildOrder {
  /** URL of the module with the worker's config. */
  readonly module: string;
  readonly connectionString: string;
  /** Connections of the worker's pool. @defaultValue 10 */
  readonly poolSize?: number;
  /** For the module's factory. */
  readonly data: unknown;
  /** Added one after another once the worker has started. */
  readonly enqueue: readonly ChildJob[];
  /** Where to kill itself, and at the how manieth time. */
  readonly fault?: {
    readonly point: ParsedPoint;
    readonly occurrence: number;
    /** Answers without a row do not count. */
    readonly withRows: boolean;
  };
  /** Stop by itself once no job is ready or running. */
  readonly untilDrained: boolean;
}

/** What a child tells. */
export type ChildMessage =
  | { readonly type: "pool"; readonly id: string }
  | { readonly type: "ready"; readonly worker: string }
  | { readonly type: "enqueued"; readonly result: EnqueueResult }
  | {
      readonly type: "event";
      /** A name of the core's events about jobs, such as `job:succeeded`. */
      readonly name: string;
      readonly id: string;
      readonly task: string;
      readonly attempts: number;
    }
  /** A point was passed for the first time. */
  | { readonly type: "point"; readonly label: string }
  /** The child is about to kill itself here. */
  | { readonly type: "killing"; readonly label: string }
  | { readonly type: "drained" }
  | { readonly type: "error"; readonly message: string; readonly stack: string };
