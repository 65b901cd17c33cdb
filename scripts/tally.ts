/** The part of vitest's JSON report that is read here. */
export interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

export interface Tally {
  passed: number;
  failed: number;
  /** The failed tests, each by file and name, with what it threw. */
  failedTests: string[];
  /** What went wrong besides failed tests: files that did not load, tests left out, a crash. */
  failures: string[];
}

export interface TallyOptions {
  /** Nothing may be left out: for CI. */
  readonly strict: boolean;
  /** Tests were chosen, so that the others are left out on purpose. */
  readonly filtered: boolean;
  /** System programs that are not there. */
  readonly missing: readonly string[];
}

/**
 * Counts a vitest run so that no way of going wrong counts as a pass.
 *
 * @param exitCode - vitest's own; `null` when a signal ended it.
 */
export const tally = (
  report: VitestReport | undefined,
  exitCode: number | null,
  { strict, filtered, missing }: TallyOptions,
): Tally => {
  const failures = strict ? missing.map((name) => `left out: the tests that need ${name}`) : [];
  if (!report) {
    failures.push(`vitest wrote no report (exit code ${exitCode})`);
    return { passed: 0, failed: 0, failedTests: [], failures };
  }
  const failedTests: string[] = [];
  for (const file of report.testResults) {
    const failedHere = file.assertionResults.filter((test) => test.status === "failed");
    for (const { fullName, failureMessages = [] } of failedHere) {
      failedTests.push([`${file.name}: ${fullName}`, ...failureMessages].join("\n"));
    }
    if (file.status === "failed" && failedHere.length === 0) {
      const why = file.message?.split("\n")[0] || "the file failed outside its tests";
      failures.push(`${file.name}: ${why}`);
    }
    if (!strict || filtered) continue;
    for (const { status, fullName } of file.assertionResults) {
      if (status === "passed" || status === "failed") continue;
      failures.push(`${file.name}: left out (${status}): ${fullName}`);
    }
  }
  const { numPassedTests: passed, numFailedTests: failed } = report;
  if (passed + failed === 0) failures.push("no test ran");
  // Errors outside of tests (an unhandled rejection, a failing global set-up) show in the exit code alone.
  if (exitCode !== 0 && failed + failures.length === 0) {
    failures.push(`vitest ended with exit code ${exitCode}`);
  }
  return { passed, failed, failedTests, failures };
};
