/** How a job ended, as its permits are told. */
export type Outcome =
  | {
      readonly kind: "succeeded";
      /** What the task returned. */
      readonly result: unknown;
    }
  | {
      readonly kind: "failed";
      readonly error: unknown;
      /** No attempt is left. */
      readonly last: boolean;
    }
  | {
      /** The worker stopped before the task ended; the job went back to the queue at no cost. */
      readonly kind: "interrupted";
    };

/**
 * What a plugin holds for one run of one job: a lock, a rate token, a half-open probe.
 *
 * Exactly one of the two is called, once, and awaited. An error in either is logged and counted, and does
 * not change the job. After a crash neither is called: what a permit stands for needs a lease.
 */
export interface Permit {
  /** The task ran (or was interrupted). Called after the after-hooks, in reverse order of the grants. */
  commit(outcome: Outcome): void | Promise<void>;
  /** A later plugin stopped the job before its task ran. Called in reverse order of the grants. */
  rollback(): void | Promise<void>;
}
