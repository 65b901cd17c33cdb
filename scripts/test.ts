// `npm test [-- <vitest filters and options>] [--strict]`. Last line: `N passed, N failed`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { provide, systemPrograms } from "./system-programs.ts";
import { tally, type VitestReport } from "./tally.ts";

const args = process.argv.slice(2).filter((arg) => arg !== "--strict");
const strict = args.length < process.argv.length - 2 || process.env.CI === "true";

const leftOut = provide(systemPrograms);
for (const { program, reason } of leftOut) {
  console.error(`Left out: the tests that need ${program.name}: ${reason}.`);
}

const folder = mkdtempSync(join(tmpdir(), "oppulence-test-"));
const outputFile = join(folder, "report.json");
const run = spawnSync(
  "vitest",
  ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${outputFile}`, ...args],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      OPPULENCE_TEST_SKIP: leftOut.map(({ program }) => program.name).join(","),
    },
  },
);
const report: VitestReport | undefined = existsSync(outputFile)
  ? JSON.parse(readFileSync(outputFile, "utf8"))
  : undefined;
rmSync(folder, { recursive: true });

// A filter leaves tests out on purpose; without one, on CI, every test has to run.
const result = tally(report, run.status, { mayLeaveOut: !strict || args.length > 0 });
if (strict && leftOut.length > 0)
  result.failures.push("programs are missing, see `Left out` above");
for (const failure of result.failures) console.error(`FAILED: ${failure}`);
console.log(`${result.passed} passed, ${result.failed + result.failures.length} failed`);
process.exitCode = result.failed + result.failures.length > 0 ? 1 : 0;
