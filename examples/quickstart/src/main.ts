import { createWorker } from "@oppulence/worker-core";
import { startPostgres } from "@oppulence/worker-testing";
import config from "../worker.config.ts";
import { readAirports, stageAirports } from "./data.ts";
import { quietLogger } from "./logger.ts";
import { type DemoOptions, readOptions, USAGE } from "./options.ts";
import { followProgress } from "./progress.ts";
import { formatSummary, formatWhatToTry } from "./report.ts";
import { untilInterrupted } from "./signals.ts";
import { findMismatches, readSummary } from "./summary.ts";
import { createTables } from "./tables.ts";

const FAILED = 1;
const BAD_INPUT = 2;
const INTERRUPTED = 130;

/** Runs the demo on a database of its own, which is gone afterwards. Resolves to the exit code. */
async function runDemo(options: DemoOptions): Promise<number> {
  const interrupted = untilInterrupted();
  const rows = await readAirports(options.limit);
  say("starting PostgreSQL …");
  const postgres = await startPostgres();
  try {
    const { url } = await postgres.createDatabase();
    const worker = createWorker({
      ...config,
      connectionString: url,
      // PostgreSQL has to outlive the worker: Ctrl-C is obeyed here, in that order.
      handleSignals: false,
      ...(!options.verbose && { logger: quietLogger }),
    });
    try {
      await worker.start();
      await createTables(worker.query);
      await stageAirports(worker.query, rows);
      await followProgress(worker.query, rows.length, interrupted);
      if (interrupted.aborted) return INTERRUPTED;
      const summary = await readSummary(worker.query);
      const mismatches = await findMismatches(worker.query, rows.length);
      print(
        options.json ? JSON.stringify({ ...summary, mismatches }, null, 2) : formatSummary(summary),
      );
      for (const mismatch of mismatches) say(`does not add up: ${mismatch}`);
      if (options.keep) {
        say(formatWhatToTry(url, worker.plugins.metrics.address()));
        if (!interrupted.aborted)
          await new Promise((resolve) => interrupted.addEventListener("abort", resolve));
      }
      return mismatches.length === 0 ? 0 : FAILED;
    } finally {
      await worker.stop();
    }
  } finally {
    await postgres.stop();
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function optionsOrExit(): DemoOptions {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options !== undefined) return options;
    print(USAGE);
    process.exit(0);
  } catch (error) {
    say(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(BAD_INPUT);
  }
}

process.exitCode = await runDemo(optionsOrExit());
