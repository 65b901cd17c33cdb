// `npm test [-- <vitest filters and options>] [--strict]`. Last line: `N passed, N failed`.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { provide, systemPrograms } from "./system-programs.ts";
import { tally, type VitestReport } from "./tally.ts";

const given = process.argv.slice(2);
const args = given.filter((arg) => arg !== "--strict");
const strict = given.includes("--strict") || process.env.CI === "true";

const leftOut = provide(systemPrograms);
const missing = leftOut.map(({ program }) => program.name);
for (const { program, reason } of leftOut) {
  console.error(`Left out: the tests that need ${program.name}: ${reason}.`);
}

const folder = mkdtempSync(join(tmpdir(), "oppulence-test-"));
const outputFile = join(folder, "report.json");
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${outputFile}`];
const vitest = spawn("vitest", ["run", ...reporters, ...args], {
  stdio: "inherit",
  env: { ...process.env, OPPULENCE_TEST_SKIP: missing.join(",") },
});
// Ctrl-C reaches vitest too: it ends its workers and servers, and this waits for that.
process.on("SIGINT", () => {});
const exitCode = await new Promise<number | null>((resolve, reject) => {
  vitest.on("error", reject);
  vitest.on("close", resolve);
});
const report: VitestReport | undefined = existsSync(outputFile)
  ? JSON.parse(readFileSync(outputFile, "utf8"))
  : undefined;
rmSync(folder, { recursive: true });

const { passed, failed, failedTests, failures } = tally(report, exitCode, {
  strict,
  filtered: args.length > 0,
  missing,
});
// Named once more at the end, where a record that keeps only the end of the output still has them.
for (const failure of [...failedTests, ...failures]) console.error(`FAILED: ${failure}`);
console.log(`${passed} passed, ${failed + failures.length} failed`);
process.exitCode = failed + failures.length > 0 ? 1 : 0;
