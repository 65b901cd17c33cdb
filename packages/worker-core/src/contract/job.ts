import type { Job as EngineJob, TaskSpec } from "graphile-worker";

/** A job as graphile-worker claims it: one row, in its own column names (`run_at`, `max_attempts`, …). */
export type Job = EngineJob;

/**
 * What travels with a job beside its payload, as `name=value` pairs in graphile-worker's `flags`.
 *
 * Names: 1–64 characters of `a–z A–Z 0–9 _ . -`, starting with a letter. Values: strings of up to 256
 * characters without control characters. At most 32 labels a job.
 */
export type Labels = Readonly<Record<string, string>>;

/** How `jobKey` treats a job that exists already; graphile-worker's modes, `"replace"` unless said. */
export type JobKeyMode = NonNullable<TaskSpec["jobKeyMode"]>;

/** How a job is to be queued. Every field is optional; graphile-worker's defaults apply. */
export interface JobOptions {
  /** Jobs of one queue run one at a time, in order. @defaultValue none: jobs run in parallel */
  readonly queueName?: string | undefined;
  /** Not before this instant. @defaultValue now, by the database's clock */
  readonly runAt?: Date | undefined;
  /** How often the job may be attempted: 1 to 32,767. @defaultValue 25 */
  readonly maxAttempts?: number | undefined;
  /** At most one waiting job has this key: 1 to 512 characters. @defaultValue none */
  readonly jobKey?: string | undefined;
  /** What happens to a job with the same key. @defaultValue `"replace"` */
  readonly jobKeyMode?: JobKeyMode | undefined;
  /** Smaller runs sooner: −32,768 to 32,767. @defaultValue 0 */
  readonly priority?: number | undefined;
  /** Labels to set on the job. */
  readonly labels?: Labels | undefined;
  /** graphile-worker's plain flags, kept beside the labels. */
  readonly flags?: readonly string[] | undefined;
}

/** A job on its way into the queue, as `beforeEnqueue` hooks see it. */
export interface JobSpec extends JobOptions {
  /** The task's identifier. */
  readonly identifier: string;
  /** The user's payload, exactly as given; validated, never replaced by the schema's output. */
  readonly payload: unknown;
  /** Labels set so far; never undefined here. */
  readonly labels: Labels;
}

/** What became of a job that was to be added. */
export type EnqueueResult =
  | {
      /** The job is in the queue (or will be, once the caller's transaction commits). */
      readonly status: "added";
      /** The job's id. A job key may have found and replaced an existing job: then it is that job's id. */
      readonly id: string;
    }
  | {
      /**
       * The job need not be added: a plugin decided so, or its key exists and the mode is `unsafe_dedupe`
       * (the plugin is then `"core"`, the code `"JOB_KEY_EXISTS"`).
       */
      readonly status: "dropped";
      /** Who dropped it and why. */
      readonly reason: import("./reason.ts").Reason;
      /** The id of the job that stands for this one, when the plugin knows it. */
      readonly existing: string | undefined;
    };
