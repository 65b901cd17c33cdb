import { EventEmitter } from "node:events";
import type { WorkerEvents } from "graphile-worker";
import type { Watch } from "./watch.ts";

/** The identifier of the task that does nothing. */
export const NO_OP = "no_op";

/** A worker under test, running one kind of job. */
export interface System {
  /** Starts to run jobs. */
  start(): Promise<void>;
  /** Adds one job, the way a program would. */
  add(): Promise<unknown>;
  /** Ends it and closes its connections. */
  stop(): Promise<void>;
}

/** Makes a {@link System}. */
export type MakeSystem = (watch: Watch) => System;

/** An emitter for the engine that tells when it asks for its first jobs. */
export function watchedEvents(watch: Watch): WorkerEvents {
  const events: WorkerEvents = new EventEmitter();
  events.once("worker:getJob:start", watch.asked);
  return events;
}
