/** The identifier of the task that does nothing. */
export const NO_OP = "no_op";

/** A job system under test, running one kind of job. */
export interface System {
  /** Starts to run jobs. */
  start(): Promise<void>;
  /** Adds one job, the way a program would. */
  add(): Promise<unknown>;
  /** Ends it and closes its connections. */
  stop(): Promise<void>;
}

/** Makes a {@link System} whose jobs do nothing but call `hit`. */
export type MakeSystem = (hit: () => void) => System;
