// `npm run bench -- <name> [--quick] [--rounds N] [--case a,b] [--json] [--assert] [--profile folder]`
import { mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { type Arguments, isUsageError, readArguments, USAGE } from "./arguments.ts";
import type { Bench } from "./bench.ts";
import { benches } from "./benches/index.ts";
import { jsonLine, noteLines, table } from "./report.ts";
import { type Row, toNotes, toRows } from "./results.ts";
import { measure } from "./run/measure.ts";
import { runBench } from "./run/run-bench.ts";
import { buildPackages } from "./services/build.ts";
import { startBenchPostgres } from "./services/postgres.ts";
import { startBenchRedis } from "./services/redis.ts";

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

function list(): void {
  console.log(`${USAGE}\n`);
  for (const { name, about } of benches) console.log(`  ${name.padEnd(12)}${about}`);
}

async function run(bench: Bench, args: Arguments): Promise<readonly Row[]> {
  buildPackages();
  const wanted = (name: string) => bench.needsRedis?.includes(name) === true;
  const redis = args.cases.some(wanted) ? await startBenchRedis() : undefined;
  const cases = typeof redis === "string" ? args.cases.filter((name) => !wanted(name)) : args.cases;
  if (typeof redis === "string")
    say(`Left out: ${args.cases.filter(wanted).join(", ")}: ${redis}.`);
  const postgres = await startBenchPostgres();
  const services = redis !== undefined && typeof redis !== "string" ? redis : undefined;
  try {
    say(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}`);
    say(postgres.about);
    if (services !== undefined) say(services.about);
    if (args.profile !== undefined) mkdirSync(args.profile, { recursive: true });
    const rounds = await runBench({
      bench,
      cases,
      rounds: args.rounds,
      measureCase: (name, round) =>
        postgres.withDatabase((databaseUrl) =>
          measure({
            bench: bench.name,
            name,
            databaseUrl,
            redisPort: services?.port,
            size: args.quick ? bench.quick : bench.size,
            profile:
              args.profile && join(args.profile, `${bench.name}-${name}-${round}.cpuprofile`),
          }),
        ),
      onProgress: (round, name) =>
        say(round === 0 ? `warm-up: ${name}` : `round ${round} of ${args.rounds}: ${name}`),
    });
    const rows = toRows(bench, rounds);
    console.log(table(rows));
    const notes = noteLines(toNotes(bench, rounds));
    if (notes !== "") console.log(`\n${notes}`);
    if (args.json) console.log(jsonLine(bench, rows));
    return rows;
  } finally {
    await postgres.stop();
    await services?.stop();
  }
}

try {
  const args = readArguments(process.argv.slice(2), benches);
  if (args.bench === undefined) list();
  else {
    const rows = await run(args.bench, args);
    const missed = rows.filter(({ ok }) => ok === false);
    if (args.assert && missed.length > 0) {
      say(`Missed what is asked: ${missed.map((row) => row.case).join(", ")}.`);
      process.exitCode = 1;
    }
  }
} catch (error) {
  if (!isUsageError(error)) throw error;
  say(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
