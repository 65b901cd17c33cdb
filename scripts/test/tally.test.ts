import { describe, expect, it } from "vitest";
import { tally, type VitestReport } from "../tally.ts";

const report = (status: string, tests: readonly string[], message = ""): VitestReport => ({
  numPassedTests: tests.filter((test) => test === "passed").length,
  numFailedTests: tests.filter((test) => test === "failed").length,
  testResults: [
    {
      name: "a.test.ts",
      status,
      message,
      assertionResults: tests.map((test, index) => ({
        fullName: `test ${index}`,
        status: test,
        failureMessages: test === "failed" ? ["AssertionError: 1 is not 2"] : [],
      })),
    },
  ],
});
const strict = { strict: true, filtered: false, missing: [] };

describe("tally", () => {
  it("counts a run in which all is well", () => {
    const result = tally(report("passed", ["passed", "passed"]), 0, strict);
    expect(result).toEqual({ passed: 2, failed: 0, failedTests: [], failures: [] });
  });

  it("counts failed tests, and says what they threw", () => {
    const result = tally(report("failed", ["passed", "failed"]), 1, strict);
    expect(result).toEqual({
      passed: 1,
      failed: 1,
      failedTests: ["a.test.ts: test 1\nAssertionError: 1 is not 2"],
      failures: [],
    });
  });

  it.each([
    ["a run without a report", undefined, 1, "no report"],
    [
      "a file that did not load",
      report("failed", [], "SyntaxError: x\n at y"),
      1,
      "a.test.ts: SyntaxError: x",
    ],
    ["a run without tests", report("passed", []), 0, "no test ran"],
    ["an error outside of tests", report("passed", ["passed"]), 1, "exit code 1"],
    ["a crash", report("passed", ["passed"]), null, "exit code null"],
    ["a test left out", report("passed", ["passed", "skipped"]), 0, "left out (skipped): test 1"],
    ["a test to do", report("passed", ["passed", "todo"]), 0, "left out (todo): test 1"],
  ])("reports %s as a failure", (_, run, exitCode, message) => {
    const { failures } = tally(run, exitCode, strict);
    expect(failures.join("\n")).toContain(message);
  });

  it("reports a missing program as a failure, filter or not, where nothing may be left out", () => {
    const run = report("passed", ["passed"]);
    const options = { strict: true, filtered: true, missing: ["redis"] };
    expect(tally(run, 0, options).failures).toEqual(["left out: the tests that need redis"]);
    expect(tally(run, 0, { ...options, strict: false }).failures).toEqual([]);
  });

  it("lets a filter, or a run that is not strict, leave tests out", () => {
    const run = report("passed", ["passed", "skipped"]);
    expect(tally(run, 0, { ...strict, filtered: true }).failures).toEqual([]);
    expect(tally(run, 0, { ...strict, strict: false }).failures).toEqual([]);
  });
});
