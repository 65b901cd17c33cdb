import { didYouMean, isDuration, parseDuration, suggest } from "@oppulence/worker-core";
import type { StepShape } from "./definition.ts";
import { dependenciesOf, findCycle } from "./graph.ts";
import type { WorkflowRules } from "./workflow.ts";

const NAME = /^[A-Za-z][\w.-]{0,54}$/;
const MOST_STEPS = 1_000;
const MOST_WIDTH = 10_000;
const KINDS = ["step", "each", "sleep", "signal", "child"];
const KEYS = [
  "id",
  "kind",
  "dependsOn",
  "when",
  "always",
  "transactional",
  "execute",
  "compensate",
  "items",
  "width",
  "for",
  "signal",
  "schema",
  "onTimeout",
  "workflow",
  "childInput",
  "retry",
  "timeout",
  "metadata",
  "taskOptions",
  "spec",
  "compensateRetry",
  "compensateTimeout",
];

/** Everything that is wrong with a workflow, one sentence each. */
export function problemsOf(
  name: string,
  rules: WorkflowRules,
  steps: readonly StepShape[],
): string[] {
  const problems: string[] = [];
  if (typeof name !== "string" || !NAME.test(name))
    problems.push(`the name got ${JSON.stringify(name)}; ${NAME_RULE}`);
  if (rules.deadline !== undefined && !isDuration(rules.deadline))
    problems.push(`deadline got ${JSON.stringify(rules.deadline)}; it is a duration such as "30m"`);
  if (steps.length === 0) problems.push("it has no steps");
  if (steps.length > MOST_STEPS)
    problems.push(`it has ${steps.length} steps; at most ${MOST_STEPS}: a fan-out has many items`);
  problems.push(...idProblems(steps));
  for (const [index, step] of steps.entries()) {
    const where = `step ${JSON.stringify(step.id)}`;
    for (const problem of stepProblems(steps, index, rules)) problems.push(`${where}: ${problem}`);
  }
  const cycle = findCycle(steps);
  if (cycle !== undefined)
    problems.push(`its steps depend on one another in a circle: ${cycle.join(" → ")}`);
  return problems;
}

const NAME_RULE = "it is a letter, then up to 54 letters, digits and _ . -";

function idProblems(steps: readonly StepShape[]): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { id } of steps) {
    if (typeof id !== "string" || !NAME.test(id))
      problems.push(`step got the id ${JSON.stringify(id)}; ${NAME_RULE}`);
    else if (seen.has(id)) problems.push(`step ${JSON.stringify(id)} is there twice`);
    seen.add(id);
  }
  return problems;
}

function* stepProblems(
  steps: readonly StepShape[],
  index: number,
  rules: WorkflowRules,
): Generator<string> {
  const step = steps[index] as StepShape;
  const ids = steps.map(({ id }) => id);
  for (const key of Object.keys(step)) {
    if (!KEYS.includes(key)) yield `unknown option ${JSON.stringify(key)}${didYouMean(key, KEYS)}`;
  }
  const kind = step.kind ?? "step";
  if (!KINDS.includes(kind)) {
    yield `kind got ${JSON.stringify(kind)}; it is one of ${KINDS.join(", ")}`;
    return;
  }
  for (const need of dependenciesOf(steps, index)) {
    const meant = suggest(need, ids);
    if (!ids.includes(need))
      yield `it depends on ${JSON.stringify(need)}, which is no step${meant === undefined ? "" : `, did you mean ${JSON.stringify(meant)}?`}`;
    else if (steps.find(({ id }) => id === need)?.always === true && step.always !== true)
      yield `it depends on ${JSON.stringify(need)}, which always runs, at the end: only such steps may depend on it`;
  }
  yield* ruleProblems(step, kind);
  const runsCode = kind === "step" || kind === "each";
  if (
    rules.compensation === "mandatory" &&
    runsCode &&
    step.always !== true &&
    step.compensate === undefined
  )
    yield "compensate is missing, which this workflow asks of every step";
}

function* ruleProblems(step: StepShape, kind: string): Generator<string> {
  const { execute, compensate, items, width, retry, timeout } = step;
  const runsCode = kind === "step" || kind === "each";
  if (runsCode && typeof execute !== "function") yield "execute is missing";
  if (compensate !== undefined && typeof compensate !== "function")
    yield "compensate is not a function";
  if (!runsCode && compensate !== undefined) yield `a ${kind} has no compensate of its own`;
  if (step.always === true && (kind !== "step" || compensate !== undefined))
    yield "a step that always runs is a plain one without compensate: it is clean-up";
  if (step.transactional === true && kind !== "step") yield "only a plain step is transactional";
  if (kind === "each" && typeof items !== "function") yield "items is missing";
  if (width !== undefined && !(Number.isInteger(width) && width >= 1 && width <= MOST_WIDTH))
    yield `width got ${JSON.stringify(width)}; it is a whole number from 1 to ${MOST_WIDTH}`;
  if (kind === "sleep" && step.for === undefined) yield "for is missing: how long it sleeps";
  if (kind === "sleep" && step.for !== undefined && typeof step.for !== "function")
    yield* durationProblem(step.for, "for");
  if (kind === "child" && (step.workflow === undefined || typeof step.childInput !== "function"))
    yield "a child has a workflow and childInput";
  if (timeout !== undefined) yield* durationProblem(timeout, "timeout");
  if (step.compensateTimeout !== undefined)
    yield* durationProblem(step.compensateTimeout, "compensateTimeout");
  for (const one of [retry, step.compensateRetry]) {
    const most = one?.maxAttempts;
    if (most !== undefined && !(Number.isInteger(most) && most >= 1 && most <= 32_767))
      yield `maxAttempts got ${JSON.stringify(most)}; it is a whole number from 1 to 32767`;
  }
}

function* durationProblem(value: unknown, name: string): Generator<string> {
  if (!isDuration(value) || parseDuration(value, name) <= 0)
    yield `${name} got ${JSON.stringify(value)}; it is a duration such as "30s"`;
}
