import { createHash } from "node:crypto";
import type { OutputOf, Schema } from "@oppulence/worker-core";
import { problemsOf } from "./check-definition.ts";
import type { StepShape } from "./definition.ts";
import { InvalidWorkflowError } from "./errors.ts";
import { Flow } from "./flow.ts";
import { dependenciesOf, toGraph } from "./graph.ts";
import type { Results, Workflow, WorkflowRules } from "./workflow.ts";

/** What {@link defineWorkflow} takes, besides the steps. */
export interface WorkflowInput<TName extends string, TSchema extends Schema<any, any> | undefined>
  extends WorkflowRules {
  /** Unique: a letter, then up to 54 letters, digits and `_ . -`. */
  readonly name: TName;
  /** The input's schema: checked by `start`, and again before each step. */
  readonly input?: TSchema;
}

/**
 * Defines a workflow: steps that depend on one another, with results that infer from what each returns.
 *
 * Steps come from the builder, which types them, or as an array of plain objects, whose results are unknown. A
 * step depends on the one before it, unless `dependsOn` says on which.
 *
 * @throws InvalidWorkflowError with everything that is wrong: a circle (its path), unknown and duplicate ids, a
 * missing `compensate` where it is mandatory
 *
 * @example
 * const order = defineWorkflow({
 *   name: "order",
 *   input: z.object({ sku: z.string() }),
 *   steps: (flow) =>
 *     flow
 *       .step({ id: "reserve", execute: async ({ input }) => ({ place: input.sku }), compensate: () => {} })
 *       .step({ id: "charge", execute: async ({ results }) => results.reserve.place.length }),
 * });
 */
export function defineWorkflow<
  const TName extends string,
  TSchema extends Schema<any, any> | undefined = undefined,
  TSteps extends Results = Results,
>(
  definition: WorkflowInput<TName, TSchema> & {
    readonly steps: (
      flow: Flow<OutputOf<TSchema>, Record<never, never>, never>,
    ) => Flow<OutputOf<TSchema>, TSteps, any>;
  },
): Workflow<TName, TSchema, TSteps>;
export function defineWorkflow<
  const TName extends string,
  TSchema extends Schema<any, any> | undefined = undefined,
>(
  definition: WorkflowInput<TName, TSchema> & { readonly steps: readonly StepShape[] },
): Workflow<TName, TSchema, Results>;
export function defineWorkflow(
  definition: WorkflowInput<string, any> & {
    readonly steps: readonly StepShape[] | ((flow: any) => Flow<any, any, any>);
  },
): Workflow {
  const { name, input, steps: given, ...rules } = definition;
  const steps = typeof given === "function" ? given(new Flow([])).shapes : [...given];
  const problems = problemsOf(name, rules, steps);
  if (problems.length > 0) throw new InvalidWorkflowError(String(name), problems);
  const graph = toGraph(steps);
  return Object.freeze({
    name,
    input,
    rules: Object.freeze(rules),
    steps: Object.freeze(steps),
    graph,
    hash: hashOf(name, rules, steps),
  });
}

/** What a worker must agree on with the run: which steps there are, in what order, and how each is undone. */
function hashOf(name: string, rules: WorkflowRules, steps: readonly StepShape[]): string {
  const shape = steps.map((step, index) => [
    step.id,
    step.kind ?? "step",
    [...dependenciesOf(steps, index)].sort(),
    step.compensate !== undefined,
    step.always === true,
    step.transactional === true,
    step.when !== undefined,
    step.width ?? 0,
    step.signal ?? "",
    step.onTimeout ?? "",
    step.workflow?.name ?? "",
  ]);
  return createHash("sha256")
    .update(JSON.stringify([name, rules.version ?? "", rules.onFailure ?? "", shape]))
    .digest("hex")
    .slice(0, 16);
}
