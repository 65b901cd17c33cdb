import { createHarness, startPostgres } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { recovery } from "../src/index.ts";
import { RUNS, work } from "./crash-worker.ts";
import { eventually, poolOf, runsDatabase, startHere } from "./fleet.ts";

describe("recovery, when PostgreSQL is away", () => {
  it("says so, and takes no pool for dead after an outage that was longer than every lease", async () => {
    const postgres = await startPostgres({ url: false });
    onTestFinished(() => postgres.stop());
    const database = await postgres.createDatabase();
    const start = async () => {
      const harness = await createHarness({
        database,
        tasks: [work],
        plugins: [recovery({ heartbeat: 1_000, deadAfter: 3_000 })],
        worker: { concurrentJobs: 1 },
      });
      onTestFinished(() => harness.stop());
      return harness;
    };
    const workers = [await start(), await start(), await start()];
    const [first] = workers as [(typeof workers)[0]];
    await first.sql(RUNS);
    const pools = async () =>
      (await first.worker.plugins.recovery.pools()).map(({ pool }) => pool).sort();
    const before = await eventually(async () => {
      const all = await pools();
      return all.length === 3 && all;
    });
    const told: unknown[] = [];
    for (const { worker } of workers) {
      for (const name of ["pool:lost", "pool:recovered", "engine:restarted"] as const)
        worker.events.on(name, (event) => told.push({ name, event }));
    }
    const statuses = () =>
      Promise.all(
        workers.map(async ({ worker }) => (await worker.health()).parts.recovery?.status),
      );
    await postgres.restart({
      mode: "immediate",
      whileDown: () =>
        eventually(async () => (await statuses()).every((status) => status === "down")).then(
          () => {},
        ),
    });
    await eventually(async () => (await statuses()).every((status) => status === "ok"));
    // Long enough for each to have swept: they have been witnesses for more than two beats.
    const beats = () =>
      first.sql<{ n: number }>(
        "select count(*)::int as n from oppulence_worker.recovery_pools where beat_at > pg_postmaster_start_time() + interval '5 s'",
      );
    await eventually(async () => (await beats())[0]?.n === 3);
    expect(told).toEqual([]);
    expect(await pools()).toEqual(before);
    expect(first.logs.filter(({ message }) => message.includes("could not say"))).toHaveLength(1);
  });

  it("beats on while tasks hold all connections of the pool", async () => {
    const database = await runsDatabase();
    const here = await startHere(database);
    const busy = await startHere(database, { poolSize: 4 });
    // One listens for jobs.
    const clients = await Promise.all([1, 2, 3].map(() => busy.pool.connect()));
    onTestFinished(() => {
      for (const client of clients) client.release();
    });
    const longer = () =>
      here.sql(
        "select from oppulence_worker.recovery_pools where beat_at > started_at + interval '2.5 s'",
      );
    await eventually(async () => (await longer()).length === 2);
    expect((await here.worker.plugins.recovery.pools()).map(({ state }) => state)).toEqual([
      "alive",
      "alive",
    ]);
  });

  it("goes on when its connections are cut", async () => {
    const database = await runsDatabase();
    const here = await startHere(database);
    const pools = () => here.worker.plugins.recovery.pools();
    const [pool] = await pools();
    await poolOf(database).query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
    const cutAt = new Date();
    await eventually(async () => {
      // A connection of the pool that is cut is found out by the next who uses it.
      const [now] = await pools().catch(() => []);
      return now?.pool === pool?.pool && (now?.beatAt?.getTime() ?? 0) > cutAt.getTime() + 500;
    });
  });
});
