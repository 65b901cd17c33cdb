import type { TestDatabase } from "@oppulence/worker-testing";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import { describe, expect, it } from "vitest";
import type { CaseInput, Measurement, Size } from "../src/bench.ts";
import { benches } from "../src/benches/index.ts";
import { seen } from "../src/systems/eight-plugins.ts";

const SIZES: Readonly<Record<string, Size>> = {
  overhead: { jobs: 60, warmUp: 10, repeats: 2 },
  enqueue: { batch: 50, batches: 2, warmUp: 1 },
  latency: { jobs: 3, warmUp: 1 },
  backlog: { jobs: 60, warmUp: 10, repeats: 2, parked: 100, blocked: 100, throttled: 100 },
  peers: { jobs: 60, warmUp: 10, repeats: 2 },
  precision: { jobs: 2 },
  roundtrips: { jobs: 60 },
  saga: { chains: 5, steps: 3, warmUp: 2, waiting: 10 },
};

/** BullMQ needs a Redis, which these tests do without. */
const cases = benches.flatMap((bench) =>
  Object.entries(bench.cases)
    .filter(([name]) => bench.needsRedis?.includes(name) !== true)
    .map(([name, run]) => ({ bench: bench.name, name, run })),
);

async function measure(
  database: TestDatabase,
  bench: string,
  run: (input: CaseInput) => Promise<Measurement>,
): Promise<{ measurement: Measurement; measuredParts: number }> {
  let measuredParts = 0;
  const measurement = await run({
    databaseUrl: database.url,
    redisPort: undefined,
    size: SIZES[bench] ?? {},
    measured: (body) => {
      measuredParts += 1;
      return body();
    },
  });
  return { measurement, measuredParts };
}

describe("every case", () => {
  it.each(cases)("of $bench measures $name", async ({ bench, name, run }) => {
    const database = await testDatabase();
    const { measurement, measuredParts } = await measure(database, bench, run);
    expect(measurement.rows[name]).toEqual(expect.any(Number));
    for (const value of Object.values(measurement.rows)) expect(value).toBeGreaterThan(0);
    expect(measuredParts).toBeGreaterThan(0);
  });
});

describe("backlog", () => {
  it("leaves parked jobs alone while the others run, and brings them back", async () => {
    const database = await testDatabase();
    const backlog = benches.find(({ name }) => name === "backlog");
    const { measurement } = await measure(database, "backlog", async (input) => {
      if (backlog?.cases.parked === undefined) throw new Error("there is no such case");
      return backlog.cases.parked(input);
    });
    expect(measurement.notes?.map(({ what }) => what)).toEqual([
      expect.stringContaining("CPU"),
      "hold of 100 jobs",
      "release of 100 jobs",
    ]);
    const { rows } = await database
      .pool()
      .query(
        "select count(*)::int as left, bool_and(run_at <= now()) as due from graphile_worker.jobs",
      );
    expect(rows).toEqual([{ left: 100, due: true }]);
  });
});

describe("eightPlugins", () => {
  it("use every hook: each job is seen by eight, and committed by four", async () => {
    const database = await testDatabase();
    const before = { ...seen };
    const eight = benches.find(({ name }) => name === "overhead")?.cases.eight;
    if (eight === undefined) throw new Error("there is no such case");
    await measure(database, "overhead", eight);
    const ran = 2 * 60 + 10;
    expect(seen.committed - before.committed).toBe(4 * ran);
    expect(seen.observed - before.observed).toBe((4 + 8) * ran);
  });
});
