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
  readonly #helpers: JobHelpers;
  readonly #run: JobRun | undefined;
  readonly query: Query;
  readonly transaction: RunTransaction;
  readonly addJob: AddJob;
  readonly addJobs: AddJobs;

  constructor(shared: RunShared, helpers: JobHelpers, run: JobRun | undefined) {
    this.#helpers = helpers;
    this.#run = run;
    this.query = shared.query;
    this.transaction = shared.transaction;
    this.addJob = shared.addJob;
    this.addJobs = shared.addJobs;
  }

  get job(): Job {
    return this.#helpers.job;
  }

  get logger(): Logger {
    return this.#helpers.logger;
  }

  get withPgClient(): WithPgClient {
    return this.#helpers.withPgClient;
  }

  get signal(): AbortSignal {
    return this.#run === undefined ? this.#helpers.abortSignal : this.#run.signal;
  }

  get labels(): Labels {
    return this.#run === undefined ? fromFlags(this.#helpers.job.flags as Flags) : this.#run.labels;
  }

  get plugins(): Record<string, unknown> {
    return this.#run?.contexts ?? NOTHING;
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
