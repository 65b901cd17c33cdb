// `npm run check [-- <name>… --json]`: the one gate. Runs every file of `checks/`, or those named.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Check, type Problem, printProblem } from "./check.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = new URL("checks/", import.meta.url);

const checks: Check[] = await Promise.all(
  readdirSync(folder)
    .sort()
    .map(async (file) => (await import(new URL(file, folder).href)).check),
);

const { values, positionals } = parseArgs({
  options: { json: { type: "boolean", default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !checks.some((check) => check.name === name));
if (unknown.length > 0) {
  console.error(`There is no check named ${unknown.join(", ")}. There are:`);
  for (const { name, about } of checks) console.error(`  ${name.padEnd(14)} ${about}`);
  process.exit(2);
}

/** A check that breaks down has not passed. */
const problemsOf = async (check: Check): Promise<readonly Problem[]> => {
  try {
    const unprepared = (await check.prepare?.(root)) ?? [];
    return unprepared.length > 0 ? unprepared : await check.run(root);
  } catch (error) {
    const message = `the check itself failed: ${error instanceof Error ? error.stack : error}`;
    return [{ file: `scripts/check/checks/${check.name}.ts`, message }];
  }
};

const results: { name: string; ok: boolean; seconds: number; problems: readonly Problem[] }[] = [];
for (const check of checks) {
  if (positionals.length > 0 && !positionals.includes(check.name)) continue;
  const start = performance.now();
  const problems = await problemsOf(check);
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  const ok = problems.length === 0;
  results.push({ name: check.name, ok, seconds, problems });
  const verdict = ok ? "ok" : `FAILED: ${problems.length} problem${problems.length > 1 ? "s" : ""}`;
  console.error(`${check.name.padEnd(14)} ${`${seconds.toFixed(1)} s`.padStart(7)}  ${verdict}`);
  for (const problem of problems) console.error(`  ${printProblem(problem)}`);
}

const failed = results.filter(({ ok }) => !ok).length;
if (failed > 0) console.error("Format and many lint errors go away with `npm run fix`.");
console.log(
  values.json
    ? JSON.stringify({ checks: results })
    : `${results.length - failed} passed, ${failed} failed`,
);
process.exitCode = failed > 0 ? 1 : 0;
