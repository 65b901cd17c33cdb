import {
  type Counter,
  continueWith,
  type EnqueueDecision,
  type EnqueueInput,
  type FailureDecision,
  type FailureInput,
  fail,
  type PluginHost,
  proceed,
  type RunDecision,
  type RunInput,
  reject,
  skip,
} from "@oppulence/worker-core";
import type { Cancels } from "./cancel.ts";
import type { DatabaseTime } from "./database-time.ts";
import {
  DEADLINE_LABEL,
  deadlineLabel,
  deadlineOf,
  problemOfDeadline,
  readDeadline,
} from "./deadline.ts";
import { cancelMessage, JobCancelledError } from "./errors.ts";
import { judge } from "./judge.ts";
import type { ResolvedRetryOptions } from "./options.ts";
import type { Policies, Policy } from "./policy.ts";
import type { Timeouts } from "./timeout.ts";

/** What {@link Hooks} needs. */
export interface HooksInput {
  readonly host: PluginHost<ResolvedRetryOptions>;
  readonly policies: Policies;
  readonly time: DatabaseTime;
  readonly timeouts: Timeouts;
  readonly cancels: Cancels;
}

/** The plugin's three hooks: all synchronous, none with a query. */
export class Hooks {
  readonly #input: HooksInput;
  readonly #retried: Counter<"task">;

  constructor(input: HooksInput) {
    this.#input = input;
    this.#retried = input.host.meter.counter({
      name: "worker_retries_total",
      help: "Failed attempts that another one follows, at a time that the retry policy sets",
      labels: ["task"],
    });
  }

  /** Gives a job that does not say its task's attempts, and its deadline as a label. */
  beforeEnqueue({ spec, task }: EnqueueInput): EnqueueDecision | undefined {
    const own = spec.labels[DEADLINE_LABEL];
    if (own !== undefined && readDeadline(own) === undefined)
      return reject({ code: "INVALID_DEADLINE", message: problemOfDeadline(own) });
    const policy = this.#input.policies.of(task);
    const maxAttempts = spec.maxAttempts === undefined ? policy.maxAttempts : undefined;
    const label = deadlineLabel(spec, policy, this.#input.time.now());
    if (maxAttempts === undefined && label === undefined) return undefined;
    return continueWith({
      ...(maxAttempts !== undefined && { maxAttempts }),
      ...(label !== undefined && { labels: { [DEADLINE_LABEL]: label } }),
    });
  }

  /** Stops a job that was cancelled or is too late, and bounds the others in time. */
  beforeRun(input: RunInput): RunDecision | undefined {
    const { policies, time, timeouts, cancels } = this.#input;
    const { job } = input;
    const cancelled = cancels.stopOf(job);
    if (cancelled !== undefined) {
      const reason = { code: "CANCELLED", message: cancelMessage(cancelled) };
      return fail(reason, new JobCancelledError(job.id, cancelled));
    }
    const policy = policies.of(input.task);
    const deadline = deadlineOfRun(input, policy);
    if (deadline !== undefined && time.now() > deadline) {
      const message = `too late: it was to start by ${new Date(deadline).toISOString()}`;
      return skip({ code: "EXPIRED", message });
    }
    if (policy.timeoutMs === undefined) return undefined;
    return proceed({ around: timeouts.around(input, policy.timeoutMs) });
  }

  /** Decides whether and when the job is tried again. */
  onFailure(input: FailureInput): FailureDecision | undefined {
    const { host, policies, time, cancels } = this.#input;
    const { options, logger } = host;
    const task = input.task.identifier;
    const label = input.labels[DEADLINE_LABEL];
    const decision = judge(input, {
      policy: policies.of(input.task),
      random: options.random,
      now: () => time.now(),
      maxRetryAfter: options.maxRetryAfter,
      deadline: label === undefined ? undefined : readDeadline(label),
      cancelled: cancels.reasonOf(input.job),
      onProblem: (problem, error) => logger.error(`task ${task}: ${problem}`, { error }),
    });
    if (decision?.kind === "retry") this.#retried.add(1, { task });
    return decision;
  }
}

/** Jobs without any flag, and of a task without the option, have none: nothing is read then. */
function deadlineOfRun(input: RunInput, policy: Policy): number | undefined {
  const { job } = input;
  if (job.flags === null && policy.expireAfterMs === undefined) return undefined;
  const label = input.labels[DEADLINE_LABEL];
  if (label !== undefined && readDeadline(label) === undefined)
    input.logger.warn(`${problemOfDeadline(label)}; it is passed over`);
  return deadlineOf(job, input.labels, policy);
}
