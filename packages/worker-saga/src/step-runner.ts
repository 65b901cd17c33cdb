import {
  isPassing,
  type Job,
  type PluginHost,
  parseDuration,
  type Query,
  type TakenDecision,
  type TaskContext,
  taken,
} from "@oppulence/worker-core";
import { Attempt } from "./attempts.ts";
import type { Children } from "./children.ts";
import type { StepShape } from "./definition.ts";
import { InvalidValueError, SagaTimeoutError } from "./errors.ts";
import { fanOut } from "./fan-out.ts";
import type { Mover } from "./mover.ts";
import type { Outcome, Settlement } from "./moves.ts";
import type { SagaReader } from "./postgres-read.ts";
import type { SagaStore } from "./postgres-store.ts";
import type { Recorder } from "./recorder.ts";
import { Context } from "./step-context.ts";
import { toStepJob } from "./step-job.ts";
import { eachResults, toResults } from "./step-results.ts";
import { type StepRun, toResultJson, toSettlement } from "./step-run.ts";
import { runTransactional } from "./transactional-step.ts";
import { parse, toStoredError } from "./values.ts";
import type { AnyWorkflow } from "./workflow.ts";

/** What a {@link StepRunner} needs. */
export interface StepRunnerInput {
  readonly host: PluginHost<unknown>;
  readonly store: SagaStore;
  readonly reader: SagaReader;
  readonly mover: Mover;
  readonly recorder: Recorder;
  readonly children: Children;
  readonly maxBytes: number;
  readonly graceMs: number;
  readonly signal: AbortSignal;
}

/** Runs the steps of this process, and remembers the attempts that are under way. */
export class StepRunner {
  readonly #input: StepRunnerInput;
  readonly #running = new Set<Attempt>();
  readonly #byJob = new WeakMap<Job, Attempt>();

  constructor(input: StepRunnerInput) {
    this.#input = input;
  }

  /** Attempts that run here. */
  get running(): ReadonlySet<Attempt> {
    return this.#running;
  }

  /** The attempt that a job ran as. */
  attemptOf(job: Job): Attempt | undefined {
    return this.#byJob.get(job);
  }

  /**
   * Runs one job of a step.
   *
   * @param find - the definition with a hash
   */
  async run(
    payload: unknown,
    task: TaskContext,
    id: string,
    find: (hash: string) => AnyWorkflow | undefined,
  ): Promise<TakenDecision | undefined> {
    const given = toStepJob(payload);
    const workflow = given && find(given.hash);
    const number = workflow?.steps.findIndex((step) => step.id === id) ?? -1;
    if (given === undefined || workflow === undefined || number < 0)
      throw new InvalidValueError(`job ${task.job.id} is no job of a run's step ${id}`);
    const { id: job, locked_by, job_queue_id } = task.job;
    const place = { run: given.run, step: number, item: given.item ?? -1 };
    const { recorder, host } = this.#input;
    const begun = await recorder.begin({ ...place, job, pool: locked_by });
    if (begun === undefined) {
      task.logger.debug(`step ${id} of run ${given.id} is over, or has another job`);
      return undefined;
    }
    const attempt = new Attempt(place, begun.attempt, host.clock);
    this.#byJob.set(task.job, attempt);
    const step = workflow.steps[number] as StepShape;
    attempt.exact = step.transactional === true;
    attempt.isForward = begun.phase === "forward";
    const run: StepRun = {
      workflow,
      number,
      step,
      begun,
      attempt,
      task,
      job: { id: job, locked_by, job_queue_id },
    };
    if (begun.is_first)
      host.events.emit("saga:run", {
        id: begun.id,
        workflow: workflow.name,
        from: "pending",
        to: "running",
      });
    if (begun.verdict === "drain")
      return this.#settle(run, "lost", null, begun.lost && !attempt.exact);
    this.#running.add(attempt);
    try {
      return await this.#dispatch(run);
    } finally {
      attempt.over();
      this.#running.delete(attempt);
    }
  }

  async #dispatch(run: StepRun): Promise<TakenDecision | undefined> {
    const { step, begun, attempt, workflow } = run;
    this.#bound(run);
    const input = await parse(workflow.input, begun.input, "the input");
    const given = await this.#given(run);
    const context = (query: Query) =>
      new Context({
        task: run.task,
        begun,
        attempt,
        run: { id: begun.id, workflow: workflow.name },
        step: step.id,
        input,
        results: this.#results(run, given, query),
        query,
      });
    const plain = context(this.#input.host.query);
    if (step.kind === "child") return this.#child(run, plain);
    if (begun.undoing) {
      await attempt.race(step.compensate?.(plain));
      return this.#settle(run, "succeeded", null);
    }
    if (
      attempt.item < 0 &&
      step.when !== undefined &&
      !(await attempt.race(step.when(plain as never)))
    )
      return this.#settle(run, "skipped", null);
    if (step.kind === "sleep") {
      const time =
        typeof step.for === "function" ? await attempt.race(step.for(plain as never)) : step.for;
      const ms = parseDuration(time as never, `step ${step.id}, for`);
      return this.#settle(run, "waiting", JSON.stringify({ ms }));
    }
    if (step.kind === "signal") {
      const ms = step.timeout === undefined ? null : parseDuration(step.timeout, "timeout");
      return this.#settle(run, "waiting", JSON.stringify({ ms }));
    }
    if (step.kind === "each" && attempt.item < 0) {
      if (await fanOut(this.#input, run, plain)) return undefined;
      return this.#settle(run, "succeeded", JSON.stringify({ count: 0 }));
    }
    if (step.transactional === true) {
      await runTransactional(this.#input, run, context);
      return undefined;
    }
    const value = await attempt.race(step.execute?.(plain));
    attempt.ran = true;
    return this.#settle(run, "succeeded", toResultJson(run, value, this.#input.maxBytes));
  }

  /** Ends the attempt at its timeout, and at the run's deadline. */
  #bound({ step, begun, attempt }: StepRun): void {
    const timeout =
      step.kind === "signal"
        ? undefined
        : begun.undoing
          ? (step.compensateTimeout ?? step.timeout)
          : step.timeout;
    if (timeout !== undefined) {
      const ms = parseDuration(timeout, "timeout");
      const late = new SagaTimeoutError(`step ${step.id} did not settle within ${ms} ms`);
      attempt.after(ms, () => attempt.end("timeout", late, 0));
    }
    if (begun.deadline_ms !== null) {
      const late = new SagaTimeoutError(`the run's deadline passed while step ${step.id} ran`);
      attempt.after(begun.deadline_ms, () => attempt.end("deadline", late, this.#input.graceMs));
    }
  }

  /** Results as they are stored, with signals as their schemas give them. */
  async #given({ workflow, begun }: StepRun): Promise<Readonly<Record<string, unknown>>> {
    const given: Record<string, unknown> = { ...begun.results };
    for (const { id, kind, schema } of workflow.steps) {
      if (kind === "signal" && schema !== undefined && given[id] !== undefined)
        given[id] = await parse(schema, given[id], `signal ${id}`);
    }
    return given;
  }

  /** Pages of a fan-out are read where the step's own statements run: a transaction cannot wait for the pool. */
  #results(
    { workflow, number, attempt }: StepRun,
    given: Readonly<Record<string, unknown>>,
    query: Query,
  ): Record<string, unknown> {
    const { reader } = this.#input;
    return toResults(workflow, number, given, (step, count) =>
      eachResults((...args) => reader.items(...args), query, attempt.run, step, count),
    );
  }

  /** The attempt is over, and its slot free; what came of it is recorded along with its job. */
  #settle(run: StepRun, outcome: Outcome, value: string | null, unknown = false): TakenDecision {
    return taken(this.#record(run, toSettlement(run, outcome, value, unknown)));
  }

  async #record(run: StepRun, item: Settlement): Promise<boolean> {
    const { recorder } = this.#input;
    const { job, attempt } = run;
    const isOurs = await recorder.settleClaimed({ job, item }).catch((error: unknown) => {
      if (isPassing(error)) throw error;
      // The database refuses what came of it, and would do so again.
      const failed = toSettlement(run, "failed", toStoredError(error), !attempt.exact);
      return recorder.settleClaimed({ job, item: failed });
    });
    attempt.settled = true;
    if (!isOurs)
      run.task.logger.warn(
        `step ${run.step.id} of run ${run.begun.id}: another process has its job`,
      );
    return isOurs;
  }

  async #child(run: StepRun, plain: Context): Promise<TakenDecision | undefined> {
    const { children } = this.#input;
    const { step, begun, attempt } = run;
    const next = await children.next(step, begun, attempt, plain);
    if (next.start === undefined) return this.#settle(run, next.outcome, next.value);
    const { start } = next;
    const item = toSettlement(run, "waiting", null);
    await this.#input.mover.move(async (query) => [
      ...(await this.#input.store.start(query, [start], attempt)),
      ...(await this.#input.store.settleClaimed(query, [run.job], [item])),
    ]);
    attempt.settled = true;
    return undefined;
  }
}
