import {
  type JobInput,
  messageOf,
  type PluginHost,
  type Query,
  type RunTransaction,
  withRetries,
} from "@oppulence/worker-core";
import type { SagaMetrics } from "./metrics.ts";
import type { Move, Outcome, RunState, Settlement, StepState } from "./moves.ts";
import type { Definitions, StoredDefinition } from "./postgres-definitions.ts";
import type { SagaStore } from "./postgres-store.ts";
import { stepTask } from "./step-job.ts";
import { toStoredError } from "./values.ts";

declare module "@oppulence/worker-core" {
  interface EventMap {
    /** A run went from one state to another, and that is committed. */
    "saga:run": {
      readonly id: string;
      readonly workflow: string;
      readonly from: RunState | undefined;
      readonly to: RunState;
    };
    /** A step went from one state to another, and that is committed. */
    "saga:step": {
      readonly id: string;
      readonly workflow: string;
      readonly step: string;
      /** Of a fan-out. */
      readonly item: number | undefined;
      readonly from: StepState;
      readonly to: StepState;
    };
  }
}

/** What a {@link Mover} needs. */
export interface MoverInput {
  readonly host: PluginHost<unknown>;
  readonly transaction: RunTransaction;
  readonly store: SagaStore;
  readonly definitions: Definitions;
  readonly metrics: SagaMetrics;
  /** Told of times that come due. */
  readonly onTimer: (seconds: number) => void;
  /** Ends the repeating of work while the database is away. */
  readonly signal: AbortSignal;
}

/** Refusals of one job, of which the others of its batch need not suffer. */
const REFUSED = new Set(["JOB_REJECTED", "INVALID_JOB", "INVALID_PAYLOAD"]);
const COUNTED = new Set<string>(["succeeded", "skipped", "failed"]);
const UNDONE: Readonly<Record<string, string>> = {
  compensated: "succeeded",
  compensation_failed: "failed",
  compensation_skipped: "skipped",
};

/** Moves runs on: statements that say what comes next, and its jobs, in one transaction; then it is told. */
export class Mover {
  readonly #input: MoverInput;

  constructor(input: MoverInput) {
    this.#input = input;
  }

  /**
   * Runs statements that move runs, adds the jobs that follow, and tells of it.
   *
   * @param client - the caller's transaction; one of its own unless given
   */
  async move(work: (query: Query) => Promise<Move[]>, client?: Query): Promise<Move[]> {
    const { transaction, signal } = this.#input;
    const body = async (query: Query) => this.addJobs(query, await work(query));
    // What the caller may still roll back is told all the same: nobody could tell it later.
    const moves =
      client === undefined
        ? await withRetries(() => transaction(body), signal)
        : await body(client);
    await this.tell(moves);
    return moves;
  }

  /** Adds the jobs of moves, in their transaction; what cannot be added fails its step, and the run goes on. */
  async addJobs(query: Query, moves: Move[]): Promise<Move[]> {
    const all = moves;
    for (let jobs = moves.filter(isJob); jobs.length > 0; ) {
      const refused = await this.#add(query, jobs);
      if (refused.length === 0) break;
      const more = await this.#input.store.settle(query, refused);
      all.push(...more);
      jobs = more.filter(isJob);
    }
    return all;
  }

  async #add(query: Query, moves: readonly Move[]): Promise<Settlement[]> {
    const definitions = await this.#definitionsOf(moves, query);
    const inputs = moves.map((move) => toInput(move, definitions));
    const { host, store } = this.#input;
    const known = inputs.every(({ task }) => host.tasks.has(task));
    let answers: (string | Error)[];
    try {
      answers = await this.#addAll(query, inputs, known);
    } catch (error) {
      if (!REFUSED.has(String((error as { code?: unknown }).code))) throw error;
      answers = [];
      for (const input of inputs) {
        const [answer] = await this.#addAll(query, [input], known).catch((cause: Error) => {
          if (REFUSED.has(String((cause as { code?: unknown }).code))) return [cause];
          throw cause;
        });
        answers.push(answer as string | Error);
      }
    }
    const added = moves.filter((_, index) => typeof answers[index] === "string");
    const ids = answers.filter((answer) => typeof answer === "string");
    if (added.length > 0) await store.setJobs(query, added, ids);
    return moves.flatMap((move, index): Settlement[] => {
      const answer = answers[index];
      return answer instanceof Error ? [notAdded(move, answer)] : [];
    });
  }

  /** A run of a workflow that this process does not have has its jobs added past the hooks, which know no such task. */
  async #addAll(
    query: Query,
    inputs: readonly StepInput[],
    known: boolean,
  ): Promise<(string | Error)[]> {
    const { host } = this.#input;
    if (!known) {
      const items = inputs.map(({ task, payload, labels = {}, priority }) => ({
        spec: { identifier: task, payload, labels, priority },
        payload: JSON.stringify(payload),
      }));
      return (await host.engine.insert(query, items)).map(({ id }) => id);
    }
    const results = await host.addJobs(inputs as readonly JobInput<string>[] as never, {
      client: query,
    });
    return results.map((result) =>
      result.status === "added"
        ? result.id
        : new Error(`its job was dropped by ${result.reason.plugin}: ${result.reason.message}`),
    );
  }

  async #definitionsOf(
    moves: readonly Move[],
    query?: Query,
  ): Promise<ReadonlyMap<number, StoredDefinition>> {
    const found = new Map<number, StoredDefinition>();
    for (const { definition: id } of moves)
      if (!found.has(id)) found.set(id, await this.#input.definitions.get(id, query));
    return found;
  }

  /** Counts and tells what was committed. */
  async tell(moves: readonly Move[]): Promise<void> {
    const told = moves.filter(({ what }) => what === "step" || what === "run" || what === "timer");
    if (told.length === 0) return;
    const { host, metrics, onTimer } = this.#input;
    for (const { what, seconds } of told)
      if (what === "timer" && seconds !== null) onTimer(seconds);
    const { events, meter, logger } = host;
    if (!meter.enabled && !events.has("saga:run") && !events.has("saga:step")) return;
    try {
      const definitions = await this.#definitionsOf(told);
      for (const move of told) this.#tellOne(move, definitions.get(move.definition));
    } catch (error) {
      metrics.errors.add(1, { what: "record" });
      logger.warn(`could not tell of what was moved: ${messageOf(error)}`, { error });
    }
  }

  #tellOne(
    { what, id, step: number, item, state, was, seconds }: Move,
    of?: StoredDefinition,
  ): void {
    if (of === undefined) return;
    const { host, metrics } = this.#input;
    const { workflow } = of;
    if (what === "run") {
      if (seconds !== null) metrics.duration.record(seconds, { workflow, outcome: state });
      const from = (was ?? undefined) as RunState | undefined;
      host.events.emit("saga:run", { id, workflow, from, to: state as RunState });
      return;
    }
    if (what !== "step") return;
    const step = of.steps[number]?.id ?? String(number);
    if (COUNTED.has(state)) metrics.steps.add(1, { workflow, step, outcome: state });
    const undone = UNDONE[state];
    if (undone !== undefined) metrics.compensation.add(1, { workflow, step, outcome: undone });
    host.events.emit("saga:step", {
      id,
      workflow,
      step,
      item: item < 0 ? undefined : item,
      from: was as StepState,
      to: state as StepState,
    });
  }
}

function isJob({ what }: Move): boolean {
  return what === "job";
}

interface StepInput {
  readonly task: string;
  readonly payload: object;
  readonly labels?: Readonly<Record<string, string>>;
  readonly priority?: number;
}

function toInput(move: Move, definitions: ReadonlyMap<number, StoredDefinition>): StepInput {
  const { workflow, hash, steps } = definitions.get(move.definition) as StoredDefinition;
  const step = steps[move.step]?.id as string;
  const { run, id, item, spec } = move;
  return {
    task: stepTask(workflow, step, move.state === "undo"),
    payload: { run, id, hash, ...(item >= 0 && { item }) },
    ...(spec?.labels !== undefined && { labels: spec.labels }),
    ...(spec?.priority !== undefined && { priority: spec.priority }),
  };
}

function notAdded({ run, step, item }: Move, error: Error): Settlement {
  const outcome: Outcome = "failed";
  const value = toStoredError(error);
  return { job: null, run, step, item, attempt: -1, outcome, value, unknown: false };
}
