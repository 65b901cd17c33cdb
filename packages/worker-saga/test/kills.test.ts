import { toQuery } from "@oppulence/worker-core";
import { assertInvariants } from "@oppulence/worker-testing";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import { expect, it } from "vitest";
import { killRuns } from "./kill-runs.ts";

/** Many more of both: `npm run soak -- workflows`. */
const SIZES = { shapes: 12, runs: 48, kills: 10, processes: 3, livesMs: 400, seed: 1_000 };

it("random graphs in three processes that are killed again and again: every run ends or is parked; nothing runs early, is lost, or is undone out of order", {
  timeout: 400_000,
}, async () => {
  const database = await testDatabase();
  const { violations, states, lost, killed } = await killRuns(database, SIZES);
  expect(violations).toEqual([]);
  // All of it happened: what went well, what was undone, what was parked, and attempts that were lost.
  expect(Object.keys(states)).toEqual(
    expect.arrayContaining(["compensated", "compensation_failed", "succeeded"]),
  );
  expect(killed).toBe(SIZES.kills);
  expect(lost).toBeGreaterThan(0);
  await assertInvariants(toQuery(database.pool()));
});
