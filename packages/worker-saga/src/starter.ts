import {
  createBatcher,
  type Duration,
  type PluginHost,
  parseDuration,
  type Query,
  type Transaction,
  toQuery,
} from "@oppulence/worker-core";
import { RunExistsError } from "./errors.ts";
import type { Mover } from "./mover.ts";
import type { ResolvedSagaOptions } from "./options.ts";
import type { Definitions } from "./postgres-definitions.ts";
import type { SagaReader } from "./postgres-read.ts";
import type { SagaStore } from "./postgres-store.ts";
import type { Registry } from "./registry.ts";
import { differences, parse, toJson } from "./values.ts";
import type { AnyWorkflow } from "./workflow.ts";

/** How a run is started. */
export interface StartOptions {
  /** Of the run: 1 to 200 characters. The same one starts the same run, once. @defaultValue a new UUID */
  readonly id?: string;
  /** The caller's own transaction. @defaultValue one of the plugin's */
  readonly client?: Transaction;
  /** On the jobs of all its steps. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the jobs of all its steps. */
  readonly priority?: number;
  /** @defaultValue the workflow's */
  readonly deadline?: Duration;
}

/** What became of a start. */
export interface Started {
  readonly id: string;
  /** False where the run was there already, with the same input. */
  readonly started: boolean;
}

/** What a {@link Starter} needs. */
export interface StarterInput {
  readonly host: Pick<PluginHost<ResolvedSagaOptions>, "query" | "options">;
  readonly registry: Registry;
  readonly definitions: Definitions;
  readonly store: SagaStore;
  readonly reader: SagaReader;
  readonly mover: Mover;
}

/** A run to start, checked. */
interface Item {
  readonly id: string;
  readonly workflow: AnyWorkflow;
  readonly input: string;
  readonly spec: string | null;
  readonly deadlineMs: number | null;
}

/** Starts that share a transaction. */
const MOST_AT_ONCE = 200;

/** Starts runs: those of one tick, and of a transaction under way, share one. */
export class Starter {
  readonly #input: StarterInput;
  readonly #start: (item: Item) => Promise<Started | RunExistsError>;

  constructor(input: StarterInput) {
    this.#input = input;
    this.#start = createBatcher((items: readonly Item[]) => this.#startAll(items), MOST_AT_ONCE);
  }

  /** See `SagaApi.start`. */
  async start(workflow: AnyWorkflow, given: unknown, options: StartOptions): Promise<Started> {
    const { client } = options;
    const item = await this.#check(workflow, given, options);
    const [answer] =
      client === undefined
        ? [await this.#start(item)]
        : await this.#startAll([item], toQuery(client));
    if (answer instanceof RunExistsError) throw answer;
    return answer as Started;
  }

  async #check(
    workflow: AnyWorkflow,
    given: unknown,
    { id = crypto.randomUUID(), labels, priority, deadline }: StartOptions,
  ): Promise<Item> {
    const { registry, host } = this.#input;
    const current = registry.current(workflow);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what an id may not have
    if (typeof id !== "string" || id.length < 1 || id.length > 200 || /[\x00-\x1f]/.test(id))
      throw new RangeError(
        `id got ${JSON.stringify(id)}; it is a text of 1 to 200 characters, without control characters`,
      );
    const what = `the input of ${current.name}`;
    await parse(current.input, given, what);
    const time = deadline ?? current.rules.deadline;
    const isSpecial = labels !== undefined || priority !== undefined;
    return {
      id,
      workflow: current,
      input: toJson(given, what, host.options.maxValueBytes) ?? "null",
      spec: isSpecial ? JSON.stringify({ labels, priority }) : null,
      deadlineMs: time === undefined ? null : parseDuration(time, "deadline"),
    };
  }

  /** Starts runs in one transaction; those that are there are compared. */
  async #startAll(items: readonly Item[], client?: Query): Promise<(Started | RunExistsError)[]> {
    const { definitions, mover, store } = this.#input;
    const ids = await Promise.all(items.map(({ workflow }) => definitions.idOf(workflow)));
    const rows = items.map(({ workflow, ...item }, index) => ({
      ...item,
      workflow: workflow.name,
      definition: ids[index] as number,
    }));
    const moves = await mover.move((query) => store.start(query, rows), client);
    const started = new Set(
      moves.flatMap(({ what, id, was }) => (what === "run" && was === null ? [id] : [])),
    );
    return Promise.all(
      items.map((item) =>
        started.delete(item.id) ? { id: item.id, started: true } : this.#compare(item, client),
      ),
    );
  }

  async #compare(item: Item, client?: Query): Promise<Started | RunExistsError> {
    const { host, reader } = this.#input;
    const { id, workflow } = item;
    const run = await reader.run(client ?? host.query, id);
    if (run !== undefined && run.workflow !== workflow.name)
      return new RunExistsError(id, `workflow was ${run.workflow}, is ${workflow.name}`);
    const difference =
      run === undefined ? [] : differences(run.input, JSON.parse(item.input) as unknown);
    return difference.length === 0
      ? { id, started: false }
      : new RunExistsError(id, difference.join("; "));
  }
}
