import { type PluginHost, parseDuration, type Query } from "@oppulence/worker-core";
import { NotFoundError, WrongStateError } from "./errors.ts";
import type { Mover } from "./mover.ts";
import type { RunState } from "./moves.ts";
import type { ResolvedSagaOptions } from "./options.ts";
import type { Definitions } from "./postgres-definitions.ts";
import type { RunRow, SagaReader } from "./postgres-read.ts";
import type { SagaStore } from "./postgres-store.ts";
import { type PlannedStep, planRedrive, type RedriveMode } from "./redrive.ts";
import type { Registry } from "./registry.ts";
import { parse, toJson } from "./values.ts";
import type { AnyWorkflow } from "./workflow.ts";

/** How a run is redriven. */
export interface RedriveOptions {
  /** @defaultValue `"failed"` */
  readonly mode?: RedriveMode;
  /** A new input; the run's own unless given. */
  readonly input?: unknown;
  /** `"current"`: on the definition that new runs start on. @defaultValue `"own"` */
  readonly definition?: "own" | "current";
}

/** What a {@link Redriver} needs. */
export interface RedriverInput {
  readonly host: Pick<PluginHost<ResolvedSagaOptions>, "query" | "options">;
  readonly registry: Registry;
  readonly definitions: Definitions;
  readonly store: SagaStore;
  readonly reader: SagaReader;
  readonly mover: Mover;
}

const REDRIVABLE = new Set<RunState>(["failed", "compensated", "cancelled", "compensation_failed"]);

/** Plans redrives and does them, by the same plan. */
export class Redriver {
  readonly #input: RedriverInput;

  constructor(input: RedriverInput) {
    this.#input = input;
  }

  /** See `SagaApi.plan`. */
  async plan(id: string, options: RedriveOptions): Promise<readonly PlannedStep[]> {
    const { query } = this.#input.host;
    return (await this.#plan(await this.#run(id, query), options, query)).plan.steps;
  }

  /** See `SagaApi.redrive`. */
  async redrive(id: string, options: RedriveOptions): Promise<readonly PlannedStep[]> {
    const { mover, store, host } = this.#input;
    const { key } = await this.#run(id, host.query);
    // Refuses without a lock what cannot be, and writes a definition that is new before the transaction.
    await this.plan(id, options);
    let planned: readonly PlannedStep[] = [];
    await mover.move(async (query) => {
      await store.lock(query, key);
      const run = await this.#run(id, query);
      const { plan, target, workflow } = await this.#plan(run, options, query);
      const { input } = options;
      const json = input === undefined ? null : await this.newInput(run, input, workflow);
      planned = plan.steps;
      const deadline = workflow?.rules.deadline;
      const deadlineMs = deadline === undefined ? null : parseDuration(deadline, "deadline");
      const numbers = target.steps.map(({ step }) => step);
      return store.redrive(query, run.key, target.id, json, numbers, plan.kept, deadlineMs);
    });
    return planned;
  }

  async #plan(run: RunRow, { mode = "failed", definition = "own" }: RedriveOptions, query: Query) {
    const { registry, definitions, reader } = this.#input;
    if (!REDRIVABLE.has(run.state) || run.phase === "undo")
      throw new WrongStateError(
        run.id,
        run.state,
        "only one that failed, or is parked, is redriven",
      );
    if (await reader.isUndoing(query, run.key))
      throw new WrongStateError(
        run.id,
        run.state,
        "compensations of it are under way; wait for them",
      );
    const steps = await reader.steps(query, run.key);
    const workflow =
      definition === "current"
        ? registry.current(run.workflow)
        : registry.find(run.workflow, run.hash);
    const own = await definitions.get(run.definition, query);
    const target =
      definition === "current" && workflow !== undefined
        ? await definitions.get(await definitions.idOf(workflow), query)
        : own;
    return { plan: planRedrive(mode, own, steps, target), target, workflow };
  }

  /** An input in place of the run's own, checked, as JSON. */
  async newInput(run: RunRow, input: unknown, workflow?: AnyWorkflow): Promise<string> {
    const { registry, host } = this.#input;
    const of = workflow ?? registry.find(run.workflow, run.hash);
    await parse(of?.input, input, `the input of ${run.workflow}`);
    return toJson(input, "the input", host.options.maxValueBytes) ?? "null";
  }

  async #run(id: string, query: Query): Promise<RunRow> {
    const run = await this.#input.reader.run(query, id);
    if (run !== undefined) return run;
    throw new NotFoundError(`no run has the id ${JSON.stringify(id)}`);
  }
}
