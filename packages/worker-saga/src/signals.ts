import type { PluginHost, Transaction } from "@oppulence/worker-core";
import { callRun } from "./calls.ts";
import { NotFoundError, WrongStateError } from "./errors.ts";
import type { Mover } from "./mover.ts";
import type { ResolvedSagaOptions } from "./options.ts";
import type { SagaReader } from "./postgres-read.ts";
import type { SagaStore } from "./postgres-store.ts";
import type { Registry } from "./registry.ts";
import { parse, toJson } from "./values.ts";

/** What became of a signal: it reached a step, waits for one, or was there already by its key. */
export interface Signalled {
  readonly status: "delivered" | "stored" | "duplicate";
}

/** How a signal is sent. */
export interface SignalOptions {
  /** The same one is taken once, however often it is sent. */
  readonly key?: string | undefined;
  /** The caller's own transaction. @defaultValue one of the plugin's */
  readonly client?: Transaction | undefined;
}

/** What {@link Signals} needs. */
export interface SignalsInput {
  readonly host: Pick<PluginHost<ResolvedSagaOptions>, "query" | "options">;
  readonly registry: Registry;
  readonly store: SagaStore;
  readonly reader: SagaReader;
  readonly mover: Mover;
}

/** Sends signals to runs. */
export class Signals {
  readonly #input: SignalsInput;

  constructor(input: SignalsInput) {
    this.#input = input;
  }

  /** See `SagaApi.signal`. */
  async send(
    id: string,
    name: string,
    payload: unknown,
    { key, client }: SignalOptions,
  ): Promise<Signalled> {
    const { store, mover, host } = this.#input;
    await this.#check(id, name, payload);
    const what = `the payload of signal ${name}`;
    const json = toJson(payload, what, host.options.maxValueBytes) ?? null;
    // The statement is repeated where its answer was lost: with a key of its own that is once, too.
    const once = key ?? crypto.randomUUID();
    const verdict = await callRun(mover, id, client, (query) =>
      store.signal(query, id, name, json, once),
    );
    if (verdict.state === "finished") {
      const problem = `nothing waits for signal ${JSON.stringify(name)} any more`;
      throw new WrongStateError(id, verdict.was ?? "", problem);
    }
    if (verdict.state === "unheard")
      throw new NotFoundError(
        `no step of run ${JSON.stringify(id)} waits for signal ${JSON.stringify(name)}`,
      );
    if (verdict.state === "duplicate" && key === undefined) return { status: "stored" };
    return { status: verdict.state as Signalled["status"] };
  }

  /** Checks the payload by its step's schema; reads the run only where a workflow of this process has one. */
  async #check(id: string, name: string, payload: unknown): Promise<void> {
    const { registry, reader, host } = this.#input;
    const hasSchema = registry.all.some(({ steps }) =>
      steps.some(({ kind, schema }) => kind === "signal" && schema !== undefined),
    );
    if (!hasSchema) return;
    const run = await reader.run(host.query, id);
    const workflow = run && registry.find(run.workflow, run.hash);
    const step = workflow?.steps.find(
      ({ kind, signal, id: own }) => kind === "signal" && (signal ?? own) === name,
    );
    await parse(step?.schema, payload, `the payload of signal ${name}`);
  }
}
