import {
  type AddJobOptions,
  type AnyTask,
  createBatcher,
  type PayloadInputOf,
  type PluginHost,
  type Query,
  toQuery,
  withRetries,
} from "@oppulence/worker-core";
import { InvalidWorkflowError, NotFoundError } from "./errors.ts";
import { findCycle } from "./graph.ts";
import type { Definitions } from "./postgres-definitions.ts";
import type { GateNeed, GatePolicy, GateStore } from "./postgres-gates.ts";
import type { SagaReader } from "./postgres-read.ts";

/** What a job can wait for: a job that was added through `saga.addJob`, by its id; a run, or one step of it. */
export type Dependency = string | { readonly id: string; readonly step?: string };

/** How a job is added that waits. */
export interface GatedJobOptions extends AddJobOptions {
  readonly dependencies?: readonly Dependency[];
  /**
   * What it means that one fails: this job fails for good, is removed, or runs all the same.
   * @defaultValue `"fail"`
   */
  readonly onDependencyFailure?: GatePolicy;
}

/** One of several jobs that are added at once. */
export interface GatedJobInput extends Omit<GatedJobOptions, "client"> {
  /** How the others name it among their dependencies. */
  readonly name: string;
  readonly task: AnyTask | string;
  readonly payload?: unknown;
}

/** The label of jobs that others can wait for. */
export const GATE_LABEL = "saga.gate";
/** So far ahead that no fetch comes near it. */
const PARKED = new Date("9999-01-01T00:00:00Z");

/** What {@link Gates} needs. */
export interface GatesInput {
  readonly host: PluginHost<unknown>;
  readonly store: GateStore;
  readonly reader: SagaReader;
  readonly definitions: Definitions;
  readonly signal: AbortSignal;
  /** Some may be ready. */
  readonly onSettled: () => void;
}

/** Plain jobs that wait for others: parked far ahead, where they cost the others nothing, until nothing is left. */
export class Gates {
  readonly #input: GatesInput;
  /** Records that a job succeeded, before its row is gone. */
  readonly succeeded: (gate: string) => Promise<void>;
  /** Records that it failed for good. */
  readonly failed: (gate: string) => Promise<void>;

  constructor(input: GatesInput) {
    this.#input = input;
    const settle = (ok: boolean) =>
      createBatcher(async (gates: readonly string[]) => {
        const { host, store, signal, onSettled } = input;
        await withRetries(() => store.settle(host.query, gates, ok), signal);
        onSettled();
        return gates.map(() => undefined);
      }) as (gate: string) => Promise<void>;
    this.succeeded = settle(true);
    this.failed = settle(false);
  }

  /** See `SagaApi.addJob`. */
  async add<T extends AnyTask | string>(
    task: T,
    payload: T extends AnyTask ? PayloadInputOf<T> : unknown,
    { client, ...options }: GatedJobOptions,
  ): Promise<{ readonly id: string }> {
    if (client !== undefined) return this.#addOne(toQuery(client), task, payload, options);
    return this.#input.host.transaction((query) => this.#addOne(query, task, payload, options));
  }

  /** See `SagaApi.addJobs`. */
  async addAll(
    jobs: readonly GatedJobInput[],
    client?: AddJobOptions["client"],
  ): Promise<Record<string, string>> {
    const sorted = inOrder(jobs);
    const body = async (query: Query) => {
      const ids: Record<string, string> = {};
      for (const { name, task, payload, dependencies = [], ...options } of sorted) {
        const needs = dependencies.map((one) =>
          typeof one === "string" ? (ids[one] ?? one) : one,
        );
        const { id } = await this.#addOne(query, task, payload, {
          ...options,
          dependencies: needs,
        });
        ids[name] = id;
      }
      return ids;
    };
    return client === undefined ? this.#input.host.transaction(body) : body(toQuery(client));
  }

  async #addOne(
    query: Query,
    task: AnyTask | string,
    payload: unknown,
    { dependencies = [], onDependencyFailure = "fail", runAt, labels, ...options }: GatedJobOptions,
  ): Promise<{ id: string }> {
    const { store, host } = this.#input;
    const needs = await this.#needs(query, dependencies);
    const hasFailed = needs.some((need) => "gate" in need && need.ok === false);
    if (hasFailed && onDependencyFailure !== "ignore")
      throw new NotFoundError("a job that it depends on has failed already; it would never run");
    const isOpen = needs.every((need) => "gate" in need && need.ok !== null);
    const gate = await store.add(query, isOpen, onDependencyFailure, runAt, needs);
    const result = await host.addJob(task as string, payload, {
      ...options,
      labels: { ...labels, [GATE_LABEL]: gate },
      runAt: isOpen ? runAt : PARKED,
      client: query,
    });
    if (result.status !== "added")
      throw new Error(`the job was dropped by ${result.reason.plugin}: ${result.reason.message}`);
    if (await store.setJob(query, gate, result.id)) return { id: result.id };
    throw new InvalidWorkflowError("addJob", [
      `the job key ${JSON.stringify(options.jobKey)} is that of job ${result.id}, which waits, or can be waited for, already; use another key, or remove that job first`,
    ]);
  }

  async #needs(query: Query, dependencies: readonly Dependency[]): Promise<GateNeed[]> {
    const { store, reader, definitions } = this.#input;
    const jobs = dependencies.filter((one) => typeof one === "string");
    const wrong = jobs.find((id) => !/^\d{1,18}$/.test(id));
    if (wrong !== undefined) throw new NotFoundError(`${JSON.stringify(wrong)} is no job's id`);
    const gates = await store.lock(query, jobs);
    const needs: GateNeed[] = [];
    for (const one of dependencies) {
      if (typeof one === "string") {
        const gate = gates.get(one);
        if (gate === undefined)
          throw new NotFoundError(
            `job ${one} was not added by saga.addJob, or ended long ago: nothing can wait for it`,
          );
        needs.push(gate);
        continue;
      }
      const run = await reader.run(query, one.id);
      if (run === undefined) throw new NotFoundError(`no run has the id ${JSON.stringify(one.id)}`);
      const { steps } = await definitions.get(run.definition, query);
      const step = one.step === undefined ? null : steps.find(({ id }) => id === one.step)?.step;
      if (step === undefined)
        throw new NotFoundError(`run ${one.id} has no step ${JSON.stringify(one.step)}`);
      needs.push({ run: run.key, step });
    }
    return needs;
  }
}

/** @throws InvalidWorkflowError for a circle (its path), and names that are there twice */
function inOrder(jobs: readonly GatedJobInput[]): GatedJobInput[] {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const steps = jobs.map(({ name, dependencies = [] }) => ({
    id: name,
    dependsOn: dependencies.filter((one) => typeof one === "string" && byName.has(one)) as string[],
  }));
  const cycle = findCycle(steps);
  const problem =
    byName.size < jobs.length
      ? "a name is there twice"
      : cycle && `they depend on one another in a circle: ${cycle.join(" → ")}`;
  if (problem !== undefined) throw new InvalidWorkflowError("addJobs", [problem]);
  const sorted: GatedJobInput[] = [];
  const visit = ({ id, dependsOn }: (typeof steps)[number]) => {
    if (sorted.some(({ name }) => name === id)) return;
    for (const need of dependsOn)
      visit(steps.find((one) => one.id === need) as (typeof steps)[number]);
    sorted.push(byName.get(id) as GatedJobInput);
  };
  for (const step of steps) visit(step);
  return sorted;
}
