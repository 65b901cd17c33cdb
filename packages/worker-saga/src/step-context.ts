import type { AddJob, AddJobs, Job, Query, TaskContext } from "@oppulence/worker-core";
import type { Logger } from "graphile-worker";
import type { Attempt } from "./attempts.ts";
import type { CompensateContext, Failure, RunRef } from "./definition.ts";
import type { Begun, StoredFailure } from "./postgres-store.ts";

/** What a step's functions are given, all of them; the types say what each may read. */
export class Context implements CompensateContext {
  readonly input: unknown;
  readonly results: Record<string, unknown>;
  readonly run: RunRef;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly result: unknown;
  readonly item: unknown;
  readonly index: number;
  readonly query: Query;
  readonly #task: TaskContext;
  readonly #begun: Begun;
  readonly #attempt: Attempt;

  constructor(parts: {
    readonly task: TaskContext;
    readonly begun: Begun;
    readonly attempt: Attempt;
    readonly run: RunRef;
    readonly step: string;
    readonly input: unknown;
    readonly results: Record<string, unknown>;
    readonly query: Query;
  }) {
    const { task, begun, attempt, run, step } = parts;
    this.#task = task;
    this.#begun = begun;
    this.#attempt = attempt;
    this.input = parts.input;
    this.results = parts.results;
    this.run = run;
    this.query = parts.query;
    this.attempt = begun.tries;
    this.item = begun.item_input ?? undefined;
    this.index = attempt.item;
    this.result = begun.result ?? undefined;
    const item = attempt.item < 0 ? "" : `[${attempt.item}]`;
    const epoch = begun.epoch === 0 ? "" : `#${begun.epoch}`;
    this.idempotencyKey = `${run.id}/${step}${item}${epoch}${begun.undoing ? "/undo" : ""}`;
  }

  get signal(): AbortSignal {
    return this.#attempt.signal(this.#task.signal);
  }

  get logger(): Logger {
    return this.#task.logger;
  }

  get job(): Job {
    return this.#task.job;
  }

  get addJob(): AddJob {
    return this.#task.addJob;
  }

  get addJobs(): AddJobs {
    return this.#task.addJobs;
  }

  get failure(): Failure {
    return toFailure(this.#begun) as Failure;
  }
}

/** Why a run left its way forward; undefined while it is on it. */
export function toFailure({
  cause,
  run_error,
}: Pick<Begun, "cause" | "run_error">): Failure | undefined {
  if (cause === null) return undefined;
  return { cause, step: run_error?.step, message: messageOfFailure(run_error) };
}

/** The sentence of a stored failure. */
export function messageOfFailure(error: StoredFailure | null): string {
  return error?.error?.message ?? error?.message ?? "it failed";
}
