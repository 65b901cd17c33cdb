/** The part of vitest's JSON report that is read here. */
export interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

export interface Tally {
  passed: number;
  failed: number;
  /** What went wrong besides failed tests: files that did not load, tests left out, a crash. */
  failures: string[];
}

/**
 * Counts a vitest run so that no way of going wrong counts as a pass.
 *
 * @param exitCode - vitest's own; `null` when a signal ended it.
 */
export const tally = (
  report: VitestReport | undefined,
  exitCode: number | null,
  { mayLeaveOut }: { mayLeaveOut: boolean },
): Tally => {
  if (!report)
    return { passed: 0, failed: 0, failures: [`vitest wrote no report (exit code ${exitCode})`] };

  const failures: string[] = [];
  for (const file of report.testResults) {
    const failedTests = file.assertionResults.filter((test) => test.status === "failed");
    if (file.status === "failed" && failedTests.length === 0) {
      failures.push(
        `${file.name}: ${file.message?.split("\n")[0] || "the file failed outside its tests"}`,
      );
    }
    const leftOut = file.assertionResults.filter(
      (test) => !["passed", "failed"].includes(test.status),
    );
    if (!mayLeaveOut) {
      failures.push(
        ...leftOut.map((test) => `${file.name}: left out (${test.status}): ${test.fullName}`),
      );
    }
  }
  const { numPassedTests: passed, numFailedTests: failed } = report;
  if (passed + failed === 0) failures.push("no test ran");
  // Errors outside of tests (an unhandled rejection, a failing global set-up) show in the exit code alone.
  if (exitCode !== 0 && failed + failures.length === 0)
    failures.push(`vitest ended with exit code ${exitCode}`);
  return { passed, failed, failures };
};
