import { describe, expect, it } from "vitest";
import { defineWorkflow, isInvalidWorkflowError, type StepShape } from "../src/index.ts";

const execute = () => 1;
const problems = (steps: readonly StepShape[], rules: object = {}): string => {
  try {
    defineWorkflow({ name: "w", steps, ...rules });
  } catch (error) {
    if (isInvalidWorkflowError(error)) return error.message;
    throw error;
  }
  return "";
};

describe("defineWorkflow", () => {
  it("prints the path of a circle", () => {
    const steps = [
      { id: "a", dependsOn: ["c"], execute },
      { id: "b", dependsOn: ["a"], execute },
      { id: "c", dependsOn: ["b"], execute },
      { id: "d", dependsOn: ["c"], execute },
    ];
    expect(problems(steps)).toBe(
      'workflow "w": its steps depend on one another in a circle: a → c → b → a',
    );
    expect(problems([{ id: "a", dependsOn: ["a"], execute }])).toContain("in a circle: a → a");
  });

  it.each<[string, readonly object[], object, string]>([
    ["no steps", [], {}, "it has no steps"],
    [
      "an unknown id",
      [
        { id: "reserve", execute },
        { id: "b", dependsOn: ["reserv"], execute },
      ],
      {},
      'it depends on "reserv", which is no step, did you mean "reserve"?',
    ],
    [
      "a duplicate id",
      [
        { id: "a", execute },
        { id: "a", execute },
      ],
      {},
      'step "a" is there twice',
    ],
    ["an id that is none", [{ id: "a b", execute }], {}, 'the id "a b"; it is a letter, then'],
    ["a step without execute", [{ id: "a" }], {}, "execute is missing"],
    [
      "an unknown option",
      [{ id: "a", execute, compensat: execute }],
      {},
      'unknown option "compensat", did you mean "compensate"?',
    ],
    [
      "a missing compensate",
      [{ id: "a", execute }],
      { compensation: "mandatory" },
      'step "a": compensate is missing, which this workflow asks of every step',
    ],
    [
      "clean-up that others need",
      [
        { id: "a", always: true, execute },
        { id: "b", execute },
      ],
      {},
      "only such steps may depend on it",
    ],
    [
      "clean-up with compensate",
      [{ id: "a", always: true, execute, compensate: execute }],
      {},
      "without compensate",
    ],
    [
      "a wrong width",
      [{ id: "a", kind: "each", items: () => [], execute, width: 0 }],
      {},
      "width got 0",
    ],
    [
      "a wrong timeout",
      [{ id: "a", execute, timeout: "5 bananas" }],
      {},
      'timeout got "5 bananas"',
    ],
    ["a sleep without a time", [{ id: "a", kind: "sleep" }], {}, "for is missing"],
    [
      "a child without a workflow",
      [{ id: "a", kind: "child" }],
      {},
      "a child has a workflow and childInput",
    ],
    ["an unknown kind", [{ id: "a", kind: "loop" }], {}, 'kind got "loop"'],
    [
      "a transactional fan-out",
      [{ id: "a", kind: "each", items: () => [], execute, transactional: true }],
      {},
      "only a plain step is transactional",
    ],
    ["wrong attempts", [{ id: "a", execute, retry: { maxAttempts: 0 } }], {}, "maxAttempts got 0"],
  ])("refuses %s", (_, steps, rules, message) => {
    expect(problems(steps as readonly StepShape[], rules)).toContain(message);
  });

  it("refuses a name that is none", () => {
    expect(() => defineWorkflow({ name: "1 2", steps: [{ id: "a", execute }] })).toThrow(
      'the name got "1 2"',
    );
  });

  it("has the same hash for the same shape, another one for another", () => {
    const make = (steps: readonly StepShape[], version?: string) =>
      defineWorkflow({ name: "w", steps, ...(version !== undefined && { version }) }).hash;
    const hash = make([{ id: "a", execute }]);
    expect(make([{ id: "a", execute: () => 2 }])).toBe(hash);
    expect(make([{ id: "a", execute }], "2")).not.toBe(hash);
    expect(make([{ id: "a", execute, compensate: execute }])).not.toBe(hash);
    expect(make([{ id: "a", execute, transactional: true }])).not.toBe(hash);
    expect(
      make([
        { id: "a", execute },
        { id: "b", execute },
      ]),
    ).not.toBe(hash);
  });

  it("knows what depends on a step, directly or through others", () => {
    const { graph } = defineWorkflow({
      name: "w",
      steps: [
        { id: "a", execute },
        { id: "b", dependsOn: ["a"], execute },
        { id: "c", dependsOn: ["a"], execute },
        { id: "d", dependsOn: ["b", "c", "b"], execute },
      ],
    });
    expect(graph).toEqual([
      { id: "a", needs: [], next: [1, 2], later: [1, 2, 3] },
      { id: "b", needs: [0], next: [3], later: [3] },
      { id: "c", needs: [0], next: [3], later: [3] },
      { id: "d", needs: [1, 2], next: [], later: [] },
    ]);
  });
});
