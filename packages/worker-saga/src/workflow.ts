import type { Duration, Schema } from "@oppulence/worker-core";
import type { StepShape } from "./definition.ts";
import type { Graph } from "./graph.ts";

/** Results of steps, by id. */
export type Results = Record<string, unknown>;

/** What a workflow is besides its steps. */
export interface WorkflowRules {
  /** Part of the definition's hash: bump it where runs that are under way must not meet the new code. */
  readonly version?: string;
  /** Of a whole run; then it fails, and is compensated. @defaultValue none */
  readonly deadline?: Duration;
  /** `"mandatory"`: every step that runs code says how it is undone, or is refused. @defaultValue `"optional"` */
  readonly compensation?: "optional" | "mandatory";
  /** What a failed step means: undo what ran, or stop and wait for a redrive. @defaultValue `"compensate"` */
  readonly onFailure?: "compensate" | "stop";
}

/** A workflow: made by `defineWorkflow`. `TSteps` has the result of each step, as it is stored. */
export interface Workflow<
  TName extends string = string,
  TSchema extends Schema<any, any> | undefined = Schema<any, any> | undefined,
  TSteps = Results,
> {
  readonly name: TName;
  readonly input: TSchema;
  readonly rules: WorkflowRules;
  readonly steps: readonly StepShape[];
  readonly graph: Graph;
  /** Of the shape and the version: what a run remembers. */
  readonly hash: string;
  /** Never there: carries the type of the results. */
  readonly types?: TSteps;
}

/** Any workflow. */
export type AnyWorkflow = Workflow<string, any, any>;

/** A workflow by the results of its steps. */
export type WorkflowJob<TSteps> = Workflow<string, any, TSteps>;

/** The results of a workflow's steps, by id. */
export type ResultsOf<W extends AnyWorkflow> = W extends Workflow<any, any, infer R> ? R : never;
