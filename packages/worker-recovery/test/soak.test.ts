import { checkInvariants, type SpawnedWorker, spawnWorker } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually, poolOf, QUICK, runsDatabase } from "./fleet.ts";
import {
  SOAK_ADD,
  SOAK_KINDS,
  SOAK_LEFT,
  SOAK_LEFTOVERS,
  SOAK_TABLES,
  soakInvariant,
} from "./soak-worker.ts";

const MODULE = new URL("./soak-worker.ts", import.meta.url);

describe("workers that are killed with -9 and started again", () => {
  it("end every job once or more, lose none, and leave nothing behind", async () => {
    const database = await runsDatabase();
    const pool = poolOf(database);
    await pool.query(SOAK_TABLES);
    await pool.query(SOAK_ADD, [600, SOAK_KINDS]);
    const alive: SpawnedWorker[] = [];
    const start = async () => {
      const spawned = spawnWorker(MODULE, { database, data: { recovery: QUICK } });
      alive.push(spawned);
      await spawned.ready;
    };
    onTestFinished(async () => {
      await Promise.all(alive.map((spawned) => spawned.kill()));
    });
    await Promise.all([start(), start()]);
    for (let kill = 0; kill < 3; kill++) {
      const { rows } = await pool.query("select count(*)::int as runs from recovery_soak_runs");
      await eventually(async () => {
        const now = await pool.query("select count(*)::int as runs from recovery_soak_runs");
        return now.rows[0].runs > rows[0].runs + 20;
      });
      await alive.shift()?.kill();
      await start();
    }
    await eventually(async () => (await pool.query(SOAK_LEFT)).rows[0].count === 0, 40_000);
    expect((await pool.query(soakInvariant(undefined))).rows).toEqual([]);
    await eventually(async () => {
      const { rows } = await pool.query("select from oppulence_worker.recovery_pools");
      return rows.length === 2;
    });
    await Promise.all(alive.map((spawned) => spawned.kill("SIGTERM")));
    expect((await pool.query(SOAK_LEFTOVERS)).rows).toEqual([]);
    const query = async (text: string, values?: readonly unknown[]) =>
      (await pool.query(text, values as unknown[])).rows as never;
    expect(await checkInvariants(query)).toEqual([]);
  }, 60_000);
});
