import type { OutputOf, Schema } from "@oppulence/worker-core";
import type {
  AlwaysInput,
  ChildInput,
  ChildResults,
  DepsOf,
  EachInput,
  EachResults,
  SignalInput,
  SleepInput,
  StepInput,
  StepShape,
  When,
} from "./definition.ts";
import type { Stored } from "./stored.ts";
import type { AnyWorkflow } from "./workflow.ts";

type Ids<TSteps> = readonly (keyof TSteps & string)[] | undefined;
type Added<TInput, TSteps, TId extends string, TResult> = Flow<
  TInput,
  TSteps & Record<TId, TResult>,
  TId
>;

/**
 * Collects steps, each of which knows the results of those before it. Immutable: every call returns a new one.
 *
 * `TLast` is the step that one without `dependsOn` depends on.
 */
export class Flow<TInput, TSteps, TLast extends string> {
  readonly shapes: readonly StepShape[];

  constructor(shapes: readonly StepShape[]) {
    this.shapes = shapes;
  }

  /** Adds a step that does something; with `when`, its result may be undefined. */
  step<const TId extends string, TResult, const TDeps extends Ids<TSteps> = undefined>(
    step: StepInput<TId, TInput, DepsOf<TSteps, TLast, TDeps>, TDeps, TResult> & {
      readonly when?: undefined;
    },
  ): Added<TInput, TSteps, TId, Stored<Awaited<TResult>>>;
  step<const TId extends string, TResult, const TDeps extends Ids<TSteps> = undefined>(
    step: StepInput<TId, TInput, DepsOf<TSteps, TLast, TDeps>, TDeps, TResult> &
      When<TInput, DepsOf<TSteps, TLast, TDeps>>,
  ): Added<TInput, TSteps, TId, Stored<Awaited<TResult>> | undefined>;
  step(step: object): any {
    return this.#add({ ...step, kind: "step" } as StepShape);
  }

  /** Adds a step that runs also when the run fails: last of all, after compensation. */
  always<const TId extends string, TResult, const TDeps extends Ids<TSteps> = undefined>(
    step: AlwaysInput<TId, TInput, DepsOf<TSteps, TLast, TDeps>, TDeps, TResult>,
  ): Added<TInput, TSteps, TId, Stored<Awaited<TResult>>> {
    return this.#add({ ...step, kind: "step", always: true } as StepShape);
  }

  /** Adds a fan-out: `execute` for each item, `width` at once; what comes after waits for all. */
  each<const TId extends string, TItem, TResult, const TDeps extends Ids<TSteps> = undefined>(
    step: EachInput<TId, TInput, DepsOf<TSteps, TLast, TDeps>, TDeps, TItem, TResult>,
  ): Added<TInput, TSteps, TId, EachResults<Stored<Awaited<TResult>>>> {
    return this.#add({ ...step, kind: "each" } as StepShape);
  }

  /** Adds a pause that outlives every process. */
  sleep<const TId extends string, const TDeps extends Ids<TSteps> = undefined>(
    step: SleepInput<TId, TInput, DepsOf<TSteps, TLast, TDeps>, TDeps>,
  ): Added<TInput, TSteps, TId, undefined> {
    return this.#add({ ...step, kind: "sleep" } as StepShape);
  }

  /** Adds a wait for a signal; its payload is the result. With `onTimeout: "continue"` it may be undefined. */
  waitForSignal<
    const TId extends string,
    TSchema extends Schema<any, any> | undefined = undefined,
    const TDeps extends Ids<TSteps> = undefined,
  >(
    step: SignalInput<TId, TDeps, TSchema> & { readonly onTimeout?: "fail" },
  ): Added<TInput, TSteps, TId, OutputOf<TSchema>>;
  waitForSignal<
    const TId extends string,
    TSchema extends Schema<any, any> | undefined = undefined,
    const TDeps extends Ids<TSteps> = undefined,
  >(
    step: SignalInput<TId, TDeps, TSchema> & { readonly onTimeout: "continue" },
  ): Added<TInput, TSteps, TId, OutputOf<TSchema> | undefined>;
  waitForSignal(step: object): any {
    return this.#add({ ...step, kind: "signal" } as StepShape);
  }

  /** Adds a workflow as a step; the results of its steps are the result. */
  child<
    const TId extends string,
    TChild extends AnyWorkflow,
    const TDeps extends Ids<TSteps> = undefined,
  >(
    step: ChildInput<TId, TInput, DepsOf<TSteps, TLast, TDeps>, TDeps, TChild>,
  ): Added<TInput, TSteps, TId, ChildResults<TChild>> {
    return this.#add({ ...step, kind: "child" } as StepShape);
  }

  #add(step: StepShape): Flow<any, any, any> {
    return new Flow([...this.shapes, step]);
  }
}
