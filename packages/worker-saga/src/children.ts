import type { PluginHost } from "@oppulence/worker-core";
import { parseDuration } from "@oppulence/worker-core";
import type { Attempt } from "./attempts.ts";
import type { StepShape } from "./definition.ts";
import type { Mover } from "./mover.ts";
import type { Outcome } from "./moves.ts";
import type { Definitions } from "./postgres-definitions.ts";
import type { SagaReader } from "./postgres-read.ts";
import type { Begun, SagaStore, StartItem } from "./postgres-store.ts";
import { type Context, messageOfFailure, toFailure } from "./step-context.ts";
import { parse, toJson } from "./values.ts";
import type { AnyWorkflow } from "./workflow.ts";

/** What a step that runs a child does next: start it, or record an outcome. */
export type ChildMove =
  | { readonly start: StartItem }
  | { readonly start?: undefined; readonly outcome: Outcome; readonly value: string | null };

/** What {@link Children} needs. */
export interface ChildrenInput {
  readonly host: Pick<PluginHost, "query">;
  readonly store: SagaStore;
  readonly reader: SagaReader;
  readonly mover: Mover;
  readonly definitions: Definitions;
  readonly maxBytes: number;
}

const WAIT = { outcome: "waiting", value: null } as const;

/**
 * Steps that are runs of other workflows. Such a step has a job when there is something to do about its child: to
 * start it, to cancel it with its parent, and to take what came of it. A child that ends gives it one.
 */
export class Children {
  readonly #input: ChildrenInput;

  constructor(input: ChildrenInput) {
    this.#input = input;
  }

  /** What to do about a step's child now. */
  async next(step: StepShape, begun: Begun, _attempt: Attempt, plain: Context): Promise<ChildMove> {
    const { host, reader, mover, store } = this.#input;
    const id = `${begun.id}/${step.id}${begun.epoch === 0 ? "" : `#${begun.epoch}`}`;
    const child = await reader.run(host.query, id);
    if (child === undefined) {
      if (begun.undoing) return { outcome: "succeeded", value: null };
      if (begun.phase !== "forward") return { outcome: "cancelled", value: null };
      if (step.when !== undefined && !(await step.when(plain as never)))
        return { outcome: "skipped", value: null };
      return { start: await this.#toStart(step, id, plain) };
    }
    if (child.parent !== begun.id) {
      if (begun.undoing) return { outcome: "succeeded", value: null };
      const message = `its run would be ${id}, which is another run's id`;
      return { outcome: "failed", value: JSON.stringify({ name: "RunExistsError", message }) };
    }
    if (begun.undoing) {
      if (child.finished_at !== null && child.state !== "succeeded")
        return { outcome: "succeeded", value: null };
      await mover.move((query) => store.cancel(query, id, reasonOf(begun), true, true));
      return WAIT;
    }
    if (child.finished_at === null) {
      if (begun.phase !== "forward")
        await mover.move((query) => store.cancel(query, id, reasonOf(begun), true, false));
      return WAIT;
    }
    if (child.state === "succeeded")
      return {
        outcome: "succeeded",
        value: JSON.stringify(await reader.results(host.query, child.key)),
      };
    const message = `its run ${id} is ${child.state}: ${messageOfFailure(child.error)}`;
    return { outcome: "failed", value: JSON.stringify({ name: "RunFailedError", message }) };
  }

  async #toStart(step: StepShape, id: string, plain: Context): Promise<StartItem> {
    const workflow = step.workflow as AnyWorkflow;
    const input = await step.childInput?.(plain as never);
    await parse(workflow.input, input, `the input of ${workflow.name}`);
    const { deadline } = workflow.rules;
    return {
      id,
      definition: await this.#input.definitions.idOf(workflow),
      workflow: workflow.name,
      input: toJson(input, `the input of ${workflow.name}`, this.#input.maxBytes) ?? "null",
      spec: null,
      deadlineMs: deadline === undefined ? null : parseDuration(deadline, "deadline"),
    };
  }
}

function reasonOf(begun: Begun): string {
  const message = toFailure(begun)?.message ?? "its parent is undone";
  return JSON.stringify({ message: `its parent ${begun.id}: ${message}` });
}
