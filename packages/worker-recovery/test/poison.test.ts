import { checkInvariants, createHarness } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { recovery } from "../src/index.ts";
import { addWork, eventually, keepAlive, runsDatabase, runsOf } from "./fleet.ts";

describe("a job that kills its process", () => {
  it("fails for good after three crashes, and harms nothing that runs beside it", async () => {
    const database = await runsDatabase();
    // A client only: no worker of this process may run the pill.
    const here = await createHarness({ database, plugins: [recovery()], start: false });
    onTestFinished(() => here.stop());
    await here.worker.migrate();
    const before = await addWork(database, ["while", "while", "while"]);
    const [pill] = (await addWork(database, ["pill"])) as [string];
    const after = await addWork(
      database,
      Array.from({ length: 60 }, () => "while"),
    );
    const fleet = keepAlive(database, 1, { recovery: { heartbeat: 150, deadAfter: 600 } });
    const state = async () => (await here.worker.engine.peek({ ids: [pill] }))[0];
    await eventually(async () => (await state())?.state === "failed", 40_000);
    expect(await state()).toMatchObject({
      job: {
        flags: { "crashes=3": true },
        last_error: `job ${pill} of task "work" was running in 3 processes when they died; it is not tried again`,
      },
      note: { plugin: "recovery", code: "CRASH_LOOP", kind: "exhausted" },
    });
    expect(await runsOf(database, pill)).toHaveLength(3);
    expect(fleet.deaths()).toBe(3);
    await eventually(async () => (await here.worker.engine.peek({})).length === 1, 20_000);
    const done = (await runsOf(database)).filter(({ ended }) => ended === "done");
    expect([...new Set(done.map(({ job_id }) => Number(job_id)))].sort((a, b) => a - b)).toEqual(
      [...before, ...after].map(Number),
    );
    await fleet.stop();
    expect(fleet.deaths()).toBe(3);
    expect(await checkInvariants(here.sql)).toEqual([]);
  }, 60_000);
});
