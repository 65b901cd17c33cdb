import type { JobHelpers, Logger, WithPgClient } from "graphile-worker";
import type { Job, Labels } from "../contract/job.ts";
import type { Query } from "../contract/query.ts";
import type { AddJob, AddJobs, RunTransaction, TaskContext } from "../contract/task.ts";
import { type Flags, fromFlags } from "../labels.ts";
import type { JobRun } from "./job-run.ts";
import type { RunShared } from "./run-task.ts";

const NOTHING: Record<string, unknown> = Object.freeze({});

/** What a task is given beside its payload; parts that cost something are made when they are read. */
class Context implements TaskContext {
  // Not `#private`: those cost on every job.
  private readonly shared: RunShared;
  private readonly helpers: JobHelpers;
  private readonly run: JobRun | undefined;

  constructor(shared: RunShared, helpers: JobHelpers, run: JobRun | undefined) {
    this.shared = shared;
    this.helpers = helpers;
    this.run = run;
  }

  get query(): Query {
    return this.shared.query;
  }

  get transaction(): RunTransaction {
    return this.shared.transaction;
  }

  get addJob(): AddJob {
    return this.shared.addJob;
  }

  get addJobs(): AddJobs {
    return this.shared.addJobs;
  }

  get job(): Job {
    return this.helpers.job;
  }

  get logger(): Logger {
    return this.helpers.logger;
  }

  get withPgClient(): WithPgClient {
    return this.helpers.withPgClient;
  }

  get signal(): AbortSignal {
    if (this.run !== undefined) return this.run.signal;
    return AbortSignal.any([this.helpers.abortSignal, this.shared.interrupted]);
  }

  get labels(): Labels {
    return this.run === undefined ? fromFlags(this.helpers.job.flags as Flags) : this.run.labels;
  }

  get plugins(): Record<string, unknown> {
    return this.run?.contexts ?? NOTHING;
  }
}

/** Makes a task's context; `run` is undefined when no hook applies to the task. */
export function createTaskContext(
  shared: RunShared,
  helpers: JobHelpers,
  run: JobRun | undefined,
): TaskContext {
  return new Context(shared, helpers, run);
}
