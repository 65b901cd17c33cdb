import { once } from "node:events";
import { createWorker } from "@oppulence/worker-core";
import { startPostgres } from "@oppulence/worker-testing";
import config from "../worker.config.ts";
import { startAlmanac } from "./almanac.ts";
import { deliverAirports, readAirports } from "./data.ts";
import { askAlmanac, findLosses } from "./daylight.ts";
import { quietLogger } from "./logger.ts";
import type { DemoOptions } from "./options.ts";
import { followProgress } from "./progress.ts";
import { repairCodes } from "./repair.ts";
import { formatSummary, formatWhatToTry } from "./report.ts";
import { findMismatches, readSummary } from "./summary.ts";
import { findLeftovers, orderSupplies } from "./supplies.ts";
import { createTables } from "./tables.ts";
import { ALMANAC_URL } from "./tasks/fetch-daylight.ts";

/** How the demo ended. */
export type Ending = "verified" | "does-not-add-up" | "interrupted";

/**
 * Starts PostgreSQL and a worker, imports the data set, prints the summary on standard output and everything
 * else on standard error. PostgreSQL and the database are gone afterwards.
 *
 * @param interrupted - ends it early; ends `keep`
 */
export async function runDemo(options: DemoOptions, interrupted: AbortSignal): Promise<Ending> {
  const rows = await readAirports(options.limit);
  say("starting PostgreSQL …");
  const postgres = await startPostgres();
  try {
    const database = await postgres.createDatabase();
    return await runWorker(database.url, rows, options, interrupted);
  } finally {
    await postgres.stop();
  }
}

async function runWorker(
  connectionString: string,
  rows: Awaited<ReturnType<typeof readAirports>>,
  options: DemoOptions,
  interrupted: AbortSignal,
): Promise<Ending> {
  const worker = createWorker({
    ...config,
    connectionString,
    // PostgreSQL has to outlive the worker: Ctrl-C is obeyed by main.ts, in that order.
    handleSignals: false,
    ...(!options.verbose && { logger: quietLogger }),
  });
  const almanac = await startAlmanac();
  process.env[ALMANAC_URL] = almanac.url;
  try {
    await worker.migrate();
    await createTables(worker.query);
    await deliverAirports(worker.query, rows);
    await worker.start();
    await followProgress(worker.query, rows.length, interrupted);
    if (interrupted.aborted) return "interrupted";
    const repaired = await repairCodes(worker.plugins.dlq);
    say(`reprocessing ${repaired} dead letters of one cause, repaired …`);
    await followProgress(worker.query, rows.length, interrupted);
    if (interrupted.aborted) return "interrupted";

    say("asking an almanac, which is limited and goes down for a moment, about every country …");
    const imported = await readSummary(worker.query);
    const daylight = await askAlmanac(worker, almanac.calls, interrupted);
    if (interrupted.aborted) return "interrupted";

    say("ordering a kit for every country's remotest airport, some of which are out of range …");
    const supplies = await orderSupplies(worker, interrupted);
    if (interrupted.aborted) return "interrupted";

    const summary = { ...imported, daylight, supplies };
    const mismatches = [
      ...(await findMismatches(worker.query, summary, rows.length)),
      ...findLosses(daylight),
      ...findLeftovers(supplies),
    ];
    const text = options.json
      ? JSON.stringify({ ...summary, mismatches }, null, 2)
      : formatSummary(summary);
    process.stdout.write(`${text}\n`);
    for (const mismatch of mismatches) say(`does not add up: ${mismatch}`);
    if (options.keep) {
      const { entries } = await worker.plugins.dlq.list({ limit: 1 });
      say(formatWhatToTry(connectionString, worker.plugins.metrics.address()?.url, entries[0]?.id));
      if (!interrupted.aborted) await once(interrupted, "abort");
    }
    return mismatches.length === 0 ? "verified" : "does-not-add-up";
  } finally {
    await worker.stop();
    almanac.close();
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
