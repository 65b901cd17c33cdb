import type { Query } from "@oppulence/worker-core";
import type { EachResults, StepShape } from "./definition.ts";
import { UndeclaredDependencyError } from "./errors.ts";
import type { AnyWorkflow } from "./workflow.ts";

/** Reads a page of a fan-out's results. */
export type ReadItems = (
  query: Query,
  run: string,
  step: number,
  after: number,
  limit: number,
) => Promise<readonly { readonly item: number; readonly result: unknown }[]>;

const PAGE = 500;
/** By workflow and step: what its results inherit from. */
const others = new WeakMap<AnyWorkflow, object[]>();

/**
 * The results that a step may read: of what it depends on. Reading that of another step of the workflow throws.
 *
 * @param given - as they were stored, by id
 */
export function toResults(
  workflow: AnyWorkflow,
  number: number,
  given: Readonly<Record<string, unknown>> | null,
  items: (step: number, count: number) => EachResults<unknown>,
): Record<string, unknown> {
  const results: Record<string, unknown> = Object.create(othersOf(workflow, number));
  for (const at of workflow.graph[number]?.needs ?? []) {
    const { id, kind } = workflow.steps[at] as StepShape;
    const result = given?.[id];
    if (kind === "each" && result !== undefined)
      results[id] = items(at, (result as { count: number }).count);
    else results[id] = result;
  }
  return results;
}

/** An object that throws for each step on which one does not depend; made once, as it is as large as the workflow. */
function othersOf(workflow: AnyWorkflow, number: number): object {
  let known = others.get(workflow);
  if (known === undefined) {
    known = [];
    others.set(workflow, known);
  }
  known[number] ??= makeOthers(workflow, number);
  return known[number];
}

function makeOthers({ steps, graph }: AnyWorkflow, number: number): object {
  const all = {};
  const needs = new Set(graph[number]?.needs);
  for (const [at, { id }] of steps.entries()) {
    if (needs.has(at)) continue;
    const get = () => {
      throw new UndeclaredDependencyError(steps[number]?.id ?? "", id);
    };
    Object.defineProperty(all, id, { get });
  }
  return all;
}

/** A fan-out's results, a page at a time. */
export function eachResults(
  read: ReadItems,
  query: Query,
  run: string,
  step: number,
  count: number,
): EachResults<unknown> {
  async function* iterate() {
    for (let after = -1; ; ) {
      const rows = await read(query, run, step, after, PAGE);
      for (const { result } of rows) yield result ?? undefined;
      if (rows.length < PAGE) return;
      after = rows.at(-1)?.item ?? after;
    }
  }
  return {
    count,
    [Symbol.asyncIterator]: iterate,
    async all() {
      const all: unknown[] = [];
      for await (const one of iterate()) all.push(one);
      return all;
    },
  };
}
