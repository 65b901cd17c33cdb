import type { EnqueueDecision } from "../contract/decisions.ts";
import type { EnqueueInput } from "../contract/hooks.ts";
import type { ReasonInput } from "../contract/reason.ts";
import { HookError, JobRejectedError, messageOf } from "../errors.ts";
import type { Events } from "../events.ts";
import { unknownKind } from "./check-decision.ts";
import { type CompiledHook, type HookReport, isPromise, within } from "./hook.ts";
import type { InsertTransaction } from "./insert-transaction.ts";
import { checkSpec, type Prepared } from "./prepare.ts";

type Hook = CompiledHook<EnqueueInput, EnqueueDecision>;
type Answer = EnqueueDecision | undefined | void;

interface Reporting {
  readonly report: HookReport;
  readonly events: Events;
  readonly transaction: InsertTransaction;
}

/**
 * Asks every hook about every job, hook by hook, so that a batch form sees all jobs at once.
 *
 * @returns undefined when no hook gave a promise
 * @throws JobRejectedError at the first job that is refused
 */
export function askEnqueueHooks(
  hooks: readonly Hook[],
  jobs: readonly Prepared[],
  reporting: Reporting,
  single: boolean,
  from = 0,
): Promise<void> | undefined {
  for (let index = from; index < hooks.length; index++) {
    const hook = hooks[index] as Hook;
    const asked =
      hook.batch === undefined || single
        ? askEach(hook, jobs, reporting)
        : askBatch(hook, jobs, reporting);
    if (asked !== undefined) {
      return asked.then(() => askEnqueueHooks(hooks, jobs, reporting, single, index + 1));
    }
  }
  return undefined;
}

function askEach(
  hook: Hook,
  jobs: readonly Prepared[],
  reporting: Reporting,
): Promise<void> | undefined {
  let pending: Promise<unknown>[] | undefined;
  const open = () => reporting.transaction.open();
  for (const job of jobs) {
    if (job.dropped !== undefined || !hook.appliesTo(job.info)) continue;
    try {
      const settled = askOne(hook, job, open, reporting);
      if (settled === undefined) continue;
      pending ??= [];
      pending.push(settled);
    } catch (error) {
      // The promises of jobs before this one are waited for, and heard.
      if (pending === undefined) throw error;
      pending.push(Promise.reject(error));
      break;
    }
  }
  return pending && settleAll(pending);
}

/** @returns a promise where the hook gave one */
function askOne(
  hook: Hook,
  job: Prepared,
  open: EnqueueInput["transaction"],
  reporting: Reporting,
): Promise<unknown> | undefined {
  let answer: Answer | Promise<Answer>;
  try {
    answer = hook.call({ spec: job.spec, task: job.info, transaction: open });
  } catch (error) {
    failed(hook, job, error, reporting);
    return undefined;
  }
  if (answer === undefined) return undefined;
  if (!isPromise(answer)) {
    apply(hook, job, answer as EnqueueDecision, reporting);
    return undefined;
  }
  return within(answer, hook.timeoutMs, hook.plugin, hook.name).then(
    (settled) => settled !== undefined && apply(hook, job, settled as EnqueueDecision, reporting),
    (error) => failed(hook, job, error, reporting),
  );
}

/** Waits for all before it throws: what a hook still writes must not outlive the transaction. */
async function settleAll(pending: readonly Promise<unknown>[]): Promise<void> {
  const settled = await Promise.allSettled(pending);
  for (const one of settled) if (one.status === "rejected") throw one.reason;
}

async function askBatch(hook: Hook, all: readonly Prepared[], reporting: Reporting): Promise<void> {
  const jobs = all.filter((job) => job.dropped === undefined && hook.appliesTo(job.info));
  if (jobs.length === 0) return;
  const inputs = jobs.map(
    (job): EnqueueInput => ({
      spec: job.spec,
      task: job.info,
      transaction: () => reporting.transaction.open(),
    }),
  );
  let decisions: readonly (EnqueueDecision | undefined)[];
  try {
    const answer = (hook.batch as NonNullable<Hook["batch"]>)(inputs);
    decisions = isPromise(answer)
      ? await within(answer, hook.timeoutMs, hook.plugin, hook.name)
      : answer;
  } catch (error) {
    for (const job of jobs) failed(hook, job, error, reporting);
    return;
  }
  for (const [index, job] of jobs.entries()) {
    const decision = decisions[index];
    if (decision !== undefined) apply(hook, job, decision, reporting);
  }
}

function failed(
  hook: Hook,
  job: Prepared,
  error: unknown,
  { report, events, transaction }: Reporting,
): void {
  report.failed(hook.plugin, hook.name, error);
  if (hook.onError === "open" && !transaction.aborted) return;
  const why =
    hook.onError === "open"
      ? "failed inside the insert's transaction, which is lost with it"
      : "failed and is closed on errors";
  refuse(
    hook,
    job,
    { code: "HOOK_FAILED", message: `its beforeEnqueue hook ${why}: ${messageOf(error)}` },
    error,
    events,
  );
}

function refuse(
  hook: Hook,
  job: Prepared,
  input: ReasonInput,
  cause: unknown,
  events: Events,
): never {
  const reason = { plugin: hook.plugin, code: input.code, message: input.message };
  events.emit("job:rejected", { spec: job.spec, reason });
  throw new JobRejectedError(reason, cause, job.where);
}

function apply(hook: Hook, job: Prepared, decision: EnqueueDecision, reporting: Reporting): void {
  switch (decision?.kind) {
    case "continue": {
      const { labels, ...patch } = decision.patch;
      job.spec = {
        ...job.spec,
        ...patch,
        labels: labels === undefined ? job.spec.labels : { ...job.spec.labels, ...labels },
      };
      checkSpec(job.spec, `${job.where}plugin ${hook.plugin}, beforeEnqueue: `);
      return;
    }
    case "drop": {
      const { code, message } = decision.reason;
      job.dropped = {
        status: "dropped",
        reason: { plugin: hook.plugin, code, message },
        existing: decision.existing,
      };
      return;
    }
    case "reject":
      refuse(hook, job, decision.reason, decision.cause, reporting.events);
      return;
    default:
      failed(
        hook,
        job,
        new HookError(
          hook.plugin,
          "beforeEnqueue",
          unknownKind(decision, '"continue", "drop", "reject"'),
        ),
        reporting,
      );
  }
}
