import { createWorker, defineTask, isConfigurationError } from "@oppulence/worker-core";
import { testPlugin } from "@oppulence/worker-testing/conformance";
import { describe, expect, it } from "vitest";
import { type DlqOptions, type DlqTaskOption, dlq } from "../src/index.ts";

testPlugin(() => dlq({ reconcileInterval: "50ms" }));

/** What is wrong with options, as `createWorker` says it. */
const problemsOf = (options: object, task?: unknown): string => {
  try {
    createWorker({
      connectionString: "postgres://nowhere",
      config: false,
      tasks: [defineTask({ identifier: "t", dlq: task as DlqTaskOption, run: () => {} })],
      plugins: [dlq(options as DlqOptions)],
    });
  } catch (error) {
    if (isConfigurationError(error)) return error.problems.join("\n");
    throw error;
  }
  return "";
};

describe("dlq's options", () => {
  it.each([
    [{ enabld: true }, 'unknown option "enabld", did you mean "enabled"?'],
    [{ maxRetries: -1 }, "maxRetries"],
    [{ maxRequeues: 1.5 }, "maxRequeues"],
    [{ retention: { ttl: "5 bananas" } }, "expected a duration"],
    [{ retention: { cap: -1 } }, "cap"],
    [{ retention: { tll: "1d" } }, 'did you mean "ttl"?'],
    [{ archive: "s3" }, "expected a function (entries, { signal })"],
    [
      { redact: ["card.number"] },
      'expected a path from the payload on, such as "payload.card.number"',
    ],
    [{ redact: ["payload..x"] }, "expected a path"],
    [{ onDeadLetter: ["slack"] }, "onDeadLetter"],
    [{ requeueBackoff: { factor: 0 } }, "factor"],
    [{ reconcileInterval: "soon" }, "expected a duration"],
    [{ sampleInterval: true }, "expected false, or a duration"],
  ])("refuse %j", (options, message) => {
    expect(problemsOf(options)).toContain(message);
  });

  it.each([
    [{ retries: 3 }, "option dlq"],
    ["no", "option dlq"],
    [{ redact: ["x"] }, "option dlq"],
  ])("of a task refuse %j", (option, message) => {
    expect(problemsOf({}, option)).toContain(message);
  });

  it("are all optional", () => {
    expect(problemsOf({})).toBe("");
    for (const option of [true, false, {}, { maxRetries: 0 }])
      expect(problemsOf({}, option)).toBe("");
  });
});
