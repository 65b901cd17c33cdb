import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { cron } from "@oppulence/worker-cron";
import { dlq } from "@oppulence/worker-dlq";
import { createHarness } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { MOST_WHILE_DOWN } from "../src/almanac-guards.ts";
import { deliverAirports, readAirports } from "../src/data.ts";
import { type Daylight, findLosses } from "../src/daylight.ts";
import { stageNext } from "../src/schedules/stage-airports.ts";
import { findMismatches, readSummary, type Summary } from "../src/summary.ts";
import { findLeftovers, type Supplies } from "../src/supplies.ts";
import { createTables } from "../src/tables.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const LIMIT = 400;

/** The demo as `npm run demo` runs it, on a PostgreSQL of its own. */
async function runDemo(...args: string[]) {
  const { DATABASE_URL: _, ...env } = process.env;
  const child = spawn(process.execPath, ["--conditions=@oppulence/source", MAIN, ...args], { env });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.on("close", resolve)),
  ]);
  return { stdout, stderr, code };
}

interface Row {
  readonly tz: string | null;
  readonly city: string;
  readonly iata: string | null;
  readonly icao: string;
}

/** Whether the only thing wrong with a row is the one that the demo repairs. */
function isRepairable(row: Row): boolean {
  return isWrong(row) && !isWrong({ ...row, iata: null });
}

/** What is wrong with a row, told without the demo's own schema. */
function isWrong({ tz, city, iata, icao }: Row): boolean {
  return (
    tz === null ||
    city === "" ||
    (iata !== null && !/^[A-Z]{3}$/.test(iata)) ||
    !/^[A-Z][A-Z0-9]{3}$/.test(icao)
  );
}

describe("quickstart", () => {
  it("imports airports, names the ones that are wrong, and verifies its own result", async () => {
    const { stdout, stderr, code } = await runDemo("--limit", String(LIMIT), "--json");
    expect(stderr).not.toContain("does not add up");
    expect(code).toBe(0);
    const summary = JSON.parse(stdout) as Summary & {
      readonly daylight: Daylight;
      readonly supplies: Supplies;
      readonly mismatches: string[];
    };
    const rows = (await readAirports(LIMIT)) as unknown as Row[];
    const wrong = rows.filter(isWrong).length;
    const repaired = rows.filter(isRepairable).length;
    expect(wrong).toBeGreaterThan(20);
    expect(repaired).toBeGreaterThan(0);
    expect(summary.mismatches).toEqual([]);
    expect(summary.airports).toEqual({
      staged: LIMIT,
      written: LIMIT - wrong + repaired,
      repaired,
      failed: wrong - repaired,
      skipped: 0,
    });
    expect(summary.deliveries).toEqual({ slots: 1, astray: 0 });
    expect(summary.failures[0]?.cause).toBe("tz: an airport has a time zone");
    expect(summary.failures[0]?.examples[0]).toMatch(/^.+ \(.+\)$/);
    const { daylight, supplies } = summary;
    expect(daylight.done).toBe(daylight.added);
    expect(daylight.added).toBeGreaterThan(50);
    expect(daylight.calls.answered).toBe(daylight.added);
    expect(daylight.calls.overLimit).toBe(0);
    expect(daylight.calls.whileDown).toBeGreaterThanOrEqual(3);
    expect(daylight.calls.whileDown).toBeLessThanOrEqual(MOST_WHILE_DOWN);
    expect(daylight.held.byLimiter).toBeGreaterThan(10);
    expect(daylight.held.byBreaker).toBeGreaterThan(10);
    expect(supplies.flown).toBeGreaterThan(0);
    expect(supplies.undone).toBeGreaterThan(0);
    expect(supplies.kitsOut).toBe(supplies.ordered - supplies.outOfRange);
    expect(supplies.example?.failure).toMatch(/^step fly: .+ is \d+ km from [A-Z]{3}; the plane/);
    expect(supplies.example?.graph).toContain('s3["fly<br/>failed"]');
  }, 180_000);

  it("tells when what came out does not add up to what went in", async () => {
    await using harness = await createHarness({ start: false, plugins: [cron(), dlq()] });
    await harness.worker.migrate();
    await createTables(harness.sql);
    await deliverAirports(harness.sql, await readAirports(10));
    await stageNext(harness.sql, new Date());
    const summary = await readSummary(harness.sql);
    expect(await findMismatches(harness.sql, summary, 11)).toEqual([
      "11 rows were read and 10 staged",
      "1 of 1 slots that brought rows are not in the ledger as succeeded",
      "10 airports went in and 0 came out: 0 written, 0 failed, 0 skipped",
    ]);
  });

  it("tells when something was lost to a limit or an outage", () => {
    const daylight: Daylight = {
      added: 3,
      done: 2,
      calls: { answered: 2, overLimit: 1, whileDown: 9 },
      held: { byLimiter: 0, byBreaker: 0 },
      openings: 0,
      attempts: 13,
      longest: undefined,
    };
    expect(findLosses(daylight)).toEqual([
      "the almanac was to be asked about 3 countries, and 2 have an answer",
      "jobs that are done had 13 attempts, and the almanac 12 calls",
      "the almanac was called 1 times over its limit",
      "the almanac was called 9 times while it was down; 8 at most may reach it",
      "the almanac was down, and its circuit did not open",
    ]);
  });

  it("tells when an order was left half undone", () => {
    const supplies: Supplies = {
      ordered: 9,
      flown: 5,
      undone: 3,
      outOfRange: 4,
      kitsOut: 6,
      cents: 720_000,
      filed: 8,
      example: undefined,
    };
    expect(findLeftovers(supplies)).toEqual([
      "9 kits were ordered; 5 were flown and 3 orders undone",
      "4 airports are out of range, and 3 orders were undone",
      "6 kits left the shelf for 5 that were flown",
      "5 kits were flown, and 720000 cents booked, not 600000",
      "9 kits were ordered, and 8 orders filed",
    ]);
  });

  it("tells bad input from a failure", async () => {
    const { stderr, code } = await runDemo("--limit", "none");
    expect(code).toBe(2);
    expect(stderr).toContain('--limit got "none"; it is a whole number from 1 on');
  });
});
