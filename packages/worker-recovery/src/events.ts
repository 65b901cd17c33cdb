import type { Job } from "@oppulence/worker-core";
import type { PoolLostError } from "./errors.ts";
import type { SweptPool } from "./sweeper.ts";

declare module "@oppulence/worker-core" {
  interface EventMap {
    /** A pool of this process was declared dead by another: its jobs are being aborted, a new pool starts. */
    "pool:lost": { readonly pool: string; readonly cause: PoolLostError };
    /** This process took the jobs of a dead pool back. */
    "pool:recovered": SweptPool;
    /** This process put a job of a dead pool back into the queue. */
    "job:recovered": {
      readonly id: string;
      readonly task: string;
      /** How many pools went down with it so far. */
      readonly crashes: number;
      /** The dead pool. */
      readonly pool: string;
    };
    /** This process found a job to be a poison pill: it is a dead letter now, or failed for good. */
    "job:poisoned": { readonly job: Job; readonly crashes: number; readonly pool: string };
  }
}
