import {
  type AnyTask,
  type Duration,
  type InputOf,
  type PayloadInputOf,
  type PluginHost,
  parseDuration,
  type Query,
  type Transaction,
} from "@oppulence/worker-core";
import { callRun, noRun } from "./calls.ts";
import { NotFoundError, WrongStateError } from "./errors.ts";
import type { GatedJobInput, GatedJobOptions, Gates } from "./gates.ts";
import { dependenciesOf } from "./graph.ts";
import { type GraphFormat, writeGraph } from "./graph-export.ts";
import type { Mover } from "./mover.ts";
import type { ResolvedSagaOptions } from "./options.ts";
import type { Definitions } from "./postgres-definitions.ts";
import type { AttemptRow, RunFilter, RunRow, SagaReader } from "./postgres-read.ts";
import type { SagaStore } from "./postgres-store.ts";
import type { PlannedStep } from "./redrive.ts";
import type { RedriveOptions, Redriver } from "./redriver.ts";
import type { Registry } from "./registry.ts";
import { type RunResults, Waiting } from "./results.ts";
import type { Signalled, SignalOptions, Signals } from "./signals.ts";
import type { Started, Starter, StartOptions } from "./starter.ts";
import { type RunDetails, type RunView, toRunView, toStepView } from "./view.ts";
import type { AnyWorkflow, ResultsOf } from "./workflow.ts";

const MOST_LISTED = 1_000;

/** What {@link SagaApi} needs. */
export interface ApiInput {
  readonly host: PluginHost<ResolvedSagaOptions>;
  readonly registry: Registry;
  readonly definitions: Definitions;
  readonly store: SagaStore;
  readonly reader: SagaReader;
  readonly mover: Mover;
  readonly starter: Starter;
  readonly redriver: Redriver;
  readonly gates: Gates;
  readonly signals: Signals;
}

/** The plugin's API: `worker.plugins.saga`. */
export class SagaApi {
  readonly #input: ApiInput;
  readonly #waiting: Waiting;

  constructor(input: ApiInput) {
    this.#input = input;
    const { host, reader } = input;
    this.#waiting = new Waiting(host.clock, host.events, (ids) => reader.states(host.query, ids));
  }

  /**
   * Starts a run: its rows and its first jobs, in one transaction. Starting it again with the same id and input does
   * nothing.
   *
   * @throws InvalidValueError for an input that does not match the schema, or is no JSON
   * @throws RunExistsError when the id is another run's, with the difference
   */
  async start<W extends AnyWorkflow>(
    workflow: W,
    input: W extends { readonly input: infer S } ? InputOf<S> : unknown,
    options: StartOptions = {},
  ): Promise<Started> {
    return this.#input.starter.start(workflow, input, options);
  }

  /** {@link start} of a workflow that is known by its name alone. */
  startByName(name: string, input: unknown, options: StartOptions = {}): Promise<Started> {
    return this.start(this.#input.registry.current(name), input as never, options);
  }

  /** A run with its steps; undefined when there is none. */
  async get(id: string): Promise<RunDetails | undefined> {
    const { host, reader, definitions } = this.#input;
    const run = await reader.run(host.query, id);
    if (run === undefined) return undefined;
    const definition = await definitions.get(run.definition);
    const rows = await reader.steps(host.query, run.key);
    const steps = rows.flatMap((row) => {
      const step = definition.steps[row.step];
      return step === undefined ? [] : [toStepView(definition, step, row)];
    });
    return { ...toRunView(run), steps };
  }

  /** Runs, the last one started first. */
  async list(filter: RunFilter = {}): Promise<readonly RunView[]> {
    const { host, reader } = this.#input;
    const limit = Math.min(MOST_LISTED, Math.max(1, filter.limit ?? 50));
    return (await reader.list(host.query, { ...filter, limit })).map(toRunView);
  }

  /** Every attempt of every step, oldest first. */
  async history(id: string, { limit = 1_000 } = {}): Promise<readonly AttemptRow[]> {
    const { host, reader } = this.#input;
    return reader.history(host.query, (await this.#run(id)).key, limit);
  }

  /**
   * Waits for a run to succeed, and reads the results of its steps; those of a fan-out are a count.
   *
   * @throws RunFailedError when it ends otherwise, or is parked
   * @throws SagaTimeoutError when it does not end in time
   */
  async result<W extends AnyWorkflow = AnyWorkflow>(
    id: string,
    options: { readonly timeout?: Duration; readonly workflow?: W } = {},
  ): Promise<RunResults<ResultsOf<W>>> {
    const { host, reader } = this.#input;
    const { timeout = "30s" } = options;
    await this.#run(id);
    await this.#waiting.ended(id, parseDuration(timeout, "timeout"));
    const run = await this.#run(id);
    this.#waiting.assertSucceeded(toRunView(run));
    return (await reader.results(host.query, run.key)) as RunResults<ResultsOf<W>>;
  }

  /** Results of a fan-out's items, a page at a time, in their order. */
  async *items(id: string, step: string): AsyncGenerator<unknown> {
    const { host, reader, definitions } = this.#input;
    const run = await this.#run(id);
    const number = (await definitions.get(run.definition)).steps.find(
      (one) => one.id === step,
    )?.step;
    if (number === undefined) throw new NotFoundError(`run ${id} has no step ${step}`);
    for (let after = -1; ; ) {
      const rows = await reader.items(host.query, run.key, number, after, 500);
      for (const { result } of rows) yield result ?? undefined;
      if (rows.length < 500) return;
      after = rows.at(-1)?.item ?? after;
    }
  }

  /**
   * Cancels a run: nothing of it starts any more, what runs is told and waited for, what ran is compensated. Of a
   * failed run that stopped as it was, compensates what ran.
   *
   * @throws NotFoundError, WrongStateError
   */
  async cancel(
    id: string,
    reason = "cancelled",
    {
      compensate = true,
      client,
    }: { readonly compensate?: boolean; readonly client?: Transaction } = {},
  ): Promise<void> {
    const { store, mover } = this.#input;
    const error = JSON.stringify({ message: reason.slice(0, 8_000) });
    const verdict = await callRun(mover, id, client, (query) =>
      store.cancel(query, id, error, compensate, false),
    );
    if (verdict.state === "finished")
      throw new WrongStateError(id, verdict.was ?? "", "there is nothing to cancel");
    if (verdict.state === "parked")
      throw new WrongStateError(id, verdict.was ?? "", "resume it, skip the step, or redrive it");
  }

  /**
   * Sends a signal: to the step that waits for it, or into the run's mailbox until one does. In the caller's
   * transaction where one is given.
   *
   * @param options - `key`: the same one is taken once, however often it is sent
   * @throws NotFoundError for a run that is not there, or a name for which its workflow has no step
   * @throws WrongStateError for a run that is over or fails, or in which no step for the name is still to come
   */
  async signal(
    id: string,
    name: string,
    payload?: unknown,
    options: SignalOptions = {},
  ): Promise<Signalled> {
    return this.#input.signals.send(id, name, payload, options);
  }

  /**
   * Has a run whose compensation failed try it again, with another input where one is given.
   *
   * @throws NotFoundError, WrongStateError
   */
  async resume(id: string, { input }: { readonly input?: unknown } = {}): Promise<void> {
    const { store, mover, redriver } = this.#input;
    const json = input === undefined ? null : await redriver.newInput(await this.#run(id), input);
    const verdict = await callRun(mover, id, undefined, (query) =>
      store.resume(query, id, json, null, null),
    );
    if (verdict.state !== "resumed")
      throw new WrongStateError(
        id,
        verdict.was ?? "",
        "only one whose compensation failed is resumed",
      );
  }

  /**
   * Leaves the failed compensation of a step out; the run goes on where it was the last one.
   *
   * @throws NotFoundError, WrongStateError
   */
  async skip(id: string, step: string, reason: string): Promise<void> {
    const { store, mover } = this.#input;
    const error = JSON.stringify({ name: "Skipped", message: reason.slice(0, 8_000) });
    const verdict = await callRun(mover, id, undefined, (query) =>
      store.resume(query, id, null, step, error),
    );
    if (verdict.state === "no_step")
      throw new NotFoundError(
        `run ${JSON.stringify(id)} has no step ${JSON.stringify(step)} whose compensation failed`,
      );
    if (verdict.state !== "resumed")
      throw new WrongStateError(id, verdict.was ?? "", "only failed compensations are skipped");
  }

  /** What a redrive would keep and run. */
  plan(id: string, options: RedriveOptions = {}): Promise<readonly PlannedStep[]> {
    return this.#input.redriver.plan(id, options);
  }

  /**
   * Starts a run once more that failed, was compensated or cancelled, or whose compensation failed.
   *
   * @returns what was kept and what runs
   * @throws NotFoundError, WrongStateError, InvalidValueError
   */
  redrive(id: string, options: RedriveOptions = {}): Promise<readonly PlannedStep[]> {
    return this.#input.redriver.redrive(id, options);
  }

  /** The graph of a run, coloured by state, or of a workflow. */
  async graph(of: string | AnyWorkflow, format: GraphFormat = "mermaid"): Promise<string> {
    if (typeof of !== "string") {
      const nodes = of.steps.map(({ id, kind = "step" }, index) => ({
        id,
        kind,
        dependsOn: dependenciesOf(of.steps, index),
      }));
      return writeGraph(of.name, nodes, format);
    }
    const run = await this.get(of);
    if (run === undefined) throw noRun(of);
    return writeGraph(run.id, run.steps, format);
  }

  /**
   * Adds a plain job that waits for others, for runs, or for steps of runs. Only jobs that were added so can be waited
   * for.
   *
   * @throws what `addJob` throws; NotFoundError for what cannot be waited for
   */
  addJob<T extends AnyTask | string>(
    task: T,
    payload: T extends AnyTask ? PayloadInputOf<T> : unknown,
    options: GatedJobOptions = {},
  ): Promise<{ readonly id: string }> {
    return this.#input.gates.add(task, payload, options);
  }

  /**
   * Adds several jobs that wait for one another, by the names that they are given here: all, or none.
   *
   * @returns their ids, by name
   * @throws InvalidWorkflowError for a circle, with its path
   */
  addJobs(
    jobs: readonly GatedJobInput[],
    { client }: { readonly client?: Transaction } = {},
  ): Promise<Record<string, string>> {
    return this.#input.gates.addAll(jobs, client);
  }

  async #run(id: string, query: Query = this.#input.host.query): Promise<RunRow> {
    const run = await this.#input.reader.run(query, id);
    if (run !== undefined) return run;
    throw noRun(id);
  }
}
