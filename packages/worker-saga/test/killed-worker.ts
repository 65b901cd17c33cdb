import { setTimeout as sleep } from "node:timers/promises";
import type { Query } from "@oppulence/worker-core";
import type { WorkerModule } from "@oppulence/worker-testing";
import {
  type AnyWorkflow,
  defineWorkflow,
  type StepContext,
  type StepShape,
  saga,
} from "../src/index.ts";
import { ITEMS, type Shape, type ShapeStep } from "./random-shapes.ts";

/** Where steps write down that they ran: outside of the plugin's tables, and of its transactions. */
export const JOURNAL = `create table journal (
  seq bigint generated always as identity, run text, step text, item int, what text,
  at timestamptz default clock_timestamp()
);
create table written (run text, step text, key text);`;

type Item = StepContext & { readonly index: number };

const note = ({ query, run, index }: Item, step: string, what: string) =>
  query("insert into journal (run, step, item, what) values ($1, $2, $3, $4)", [
    run.id,
    step,
    index,
    what,
  ]);

const FEW = { maxAttempts: 4, backoff: 1 };

/** What the steps of the kind `child` run. */
const kid = defineWorkflow({
  name: "kid",
  steps: [
    {
      id: "one",
      retry: FEW,
      async execute(context: Item) {
        await note(context, "one", "began");
        return "one";
      },
      async compensate(context: Item) {
        await note(context, "one", "undoing");
        await note(context, "one", "undone");
      },
    },
    {
      id: "two",
      retry: FEW,
      async execute(context: Item) {
        await note(context, "two", "began");
        if (context.input === "fail") throw new Error("it fails");
        return "two";
      },
    },
  ],
});

/** The workflows of shapes, and those that they need. */
export function workflowsOf(shapes: readonly Shape[]): AnyWorkflow[] {
  return [
    ...shapes.map(({ name, steps }) =>
      defineWorkflow({ name, steps: steps.map((step) => stepOf(step, steps)) }),
    ),
    kid,
  ];
}

function stepOf(shape: ShapeStep, all: readonly ShapeStep[]): StepShape {
  const { id, kind, dependsOn } = shape;
  if (kind === "sleep") return { id, kind, dependsOn, for: 30 };
  if (kind === "signal") return { id, kind, dependsOn };
  if (kind === "child") {
    const childInput = () => (shape.throws > 1 ? "fail" : "ok");
    return { id, kind, dependsOn, workflow: kid, childInput };
  }
  const needs = all.filter((one) => dependsOn.includes(one.id));
  return {
    id,
    kind,
    dependsOn,
    always: shape.always,
    transactional: shape.transactional,
    retry: FEW,
    compensateRetry: { maxAttempts: 3, backoff: 1 },
    ...(shape.skipped && { when: () => false }),
    ...(kind === "each" && { width: 2, items: () => Array.from({ length: ITEMS }, (_, n) => n) }),
    execute: (context: Item) => execute(context, shape, needs),
    ...(shape.compensates && { compensate: (context: Item) => compensate(context, shape) }),
  };
}

async function execute(context: Item, shape: ShapeStep, needs: readonly ShapeStep[]) {
  const { id, transactional, always, throws } = shape;
  if (transactional) await write(context.query, context, id);
  else await note(context, id, "began");
  for (const need of always ? [] : needs)
    if (!isResultOf(need, context.results[need.id])) throw new Error(`no result of ${need.id}`);
  // Long where it fails: so that kills come in the middle of attempts of which none succeeds.
  await sleep(Math.random() * (throws > 1 ? 150 : 5));
  if (context.attempt <= throws && isOne(context)) throw new Error("it fails");
  return id;
}

async function compensate(context: Item, { id, undoThrows }: ShapeStep) {
  await note(context, id, "undoing");
  if (context.attempt <= undoThrows && isOne(context)) throw new Error("it cannot be undone");
  await note(context, id, "undone");
}

const write = (query: Query, { run, idempotencyKey }: Item, id: string) =>
  query("insert into written values ($1, $2, $3)", [run.id, id, idempotencyKey]);

/** Of a fan-out one item fails, the others do not. */
const isOne = ({ index }: Item) => index === -1 || index === 1;

function isResultOf({ id, kind, skipped }: ShapeStep, value: unknown): boolean {
  if (skipped || kind === "sleep") return value === undefined;
  if (kind === "each") return (value as { count?: number } | undefined)?.count === ITEMS;
  if (kind === "child") return (value as { two?: string } | undefined)?.two === "two";
  return value === id;
}

/** A process that runs workflows until it is killed. */
export const config: WorkerModule = ({ data }) => {
  const { shapes } = data as { readonly shapes: readonly Shape[] };
  return {
    plugins: [
      saga({ workflows: workflowsOf(shapes), pollInterval: "100ms", reconcileInterval: "1h" }),
    ],
    worker: { concurrentJobs: 6, pollInterval: 100 },
  };
};
