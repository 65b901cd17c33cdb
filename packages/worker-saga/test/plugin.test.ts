import { createWorker, defineTask, isConfigurationError } from "@oppulence/worker-core";
import { testPlugin } from "@oppulence/worker-testing/conformance";
import { describe, expect, it } from "vitest";
import { defineWorkflow, type SagaOptions, saga } from "../src/index.ts";

const workflow = defineWorkflow({
  name: "conformance",
  steps: (flow) => flow.step({ id: "a", execute: () => 1, compensate: () => {} }),
});

testPlugin(
  () => saga({ workflows: [workflow], pollInterval: "50ms", reconcileInterval: "50ms" }),
  // A job of a step's task that no run knows: the hooks apply to it, and leave it alone.
  { task: defineTask({ identifier: "saga:elsewhere/step", run: () => {} }) },
);

/** What is wrong with options, as `createWorker` says it. */
const problemsOf = (options: object): string => {
  try {
    createWorker({
      connectionString: "postgres://nowhere",
      config: false,
      plugins: [saga(options as SagaOptions)],
    });
  } catch (error) {
    if (isConfigurationError(error)) return error.problems.join("\n");
    throw error;
  }
  return "";
};

describe("saga's options", () => {
  const again = defineWorkflow({
    name: "conformance",
    steps: (flow) => flow.step({ id: "a", execute: () => 2, compensate: () => {} }),
  });

  it.each([
    [{ workflow: [] }, 'unknown option "workflow", did you mean "workflows"?'],
    [{ workflows: [{}] }, "expected what defineWorkflow returns"],
    [{ maxAttempts: 0 }, "maxAttempts"],
    [{ retention: "5 bananas" }, "expected a duration"],
    [{ sampleInterval: true }, "or expected false"],
    [{ workflows: [workflow, again] }, "is there twice with the same steps"],
  ])("refuse %j", (options, message) => {
    expect(problemsOf(options)).toContain(message);
  });

  it("are all optional", () => {
    expect(problemsOf({})).toBe("");
  });
});
