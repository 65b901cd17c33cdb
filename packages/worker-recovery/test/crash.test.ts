import { checkInvariants } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import {
  addWork,
  eventually,
  poolOf,
  release,
  runsDatabase,
  runsOf,
  startChild,
  startHere,
} from "./fleet.ts";

describe("recovery, when a worker is killed", () => {
  it("runs its jobs again elsewhere within 3 s of a 500 ms heartbeat, at no cost in attempts", async () => {
    const database = await runsDatabase();
    const [id] = (await addWork(database, ["hold"], { maxAttempts: 1 })) as [string];
    const timing = { heartbeat: "500ms", deadAfter: "2s" };
    const child = await startChild(database, { recovery: timing });
    await eventually(async () => (await runsOf(database, id)).length === 1);
    const here = await startHere(database, { recovery: timing });
    await child.kill();
    const killedAt = performance.now();
    const again = await eventually(async () => (await runsOf(database, id))[1]);
    expect(performance.now() - killedAt).toBeLessThan(3_000);
    expect(again.pid).toBe(process.pid);
    const [job] = await here.worker.engine.peek({ ids: [id] });
    expect(job?.job).toMatchObject({ attempts: 1, flags: { "crashes=1": true } });
    await release(database);
    await here.waitFor(id, "gone");
    expect(await here.sql("select from oppulence_worker.recovery_starts")).toEqual([]);
    expect(await checkInvariants(here.sql)).toEqual([]);
  });

  it("brings back what was in its local queue, and frees its named queues", async () => {
    const database = await runsDatabase();
    const held = await addWork(database, ["hold", "hold", "hold", "hold"]);
    const child = await startChild(database);
    await eventually(async () => (await runsOf(database)).length === 4);
    const waiting = await addWork(
      database,
      Array.from({ length: 22 }, () => "quick"),
      { queues: ["in order", "in order"] },
    );
    const owned = () =>
      poolOf(database).query("select from graphile_worker.jobs where locked_by = any($1)", [
        child.pools,
      ]);
    // All but the second of the named queue: the local queue is on by default.
    await eventually(async () => (await owned()).rowCount === 25);
    const here = await startHere(database);
    const pools = await here.worker.plugins.recovery.pools();
    expect(pools.map(({ pid, jobs, state }) => [pid, jobs, state]).sort()).toEqual(
      [
        [child.pid, 25, "alive"],
        [process.pid, 0, "alive"],
      ].sort(),
    );
    await child.kill();
    await release(database);
    await eventually(async () => (await runsOf(database)).length === 30);
    await here.drain();
    const runs = (await runsOf(database)).filter(({ ended }) => ended === "done");
    const ran = runs.map(({ job_id }) => Number(job_id)).sort((a, b) => a - b);
    expect(ran).toEqual([...held, ...waiting].map(Number));
    expect(await checkInvariants(here.sql)).toEqual([]);
  });

  it("deregisters a worker that stops in order at once, which takes nothing for a crash", async () => {
    const database = await runsDatabase();
    const here = await startHere(database);
    const child = await startChild(database);
    const [id] = (await addWork(database, ["quick"])) as [string];
    await eventually(async () => (await runsOf(database, id)).length === 1);
    await eventually(async () => (await here.worker.plugins.recovery.pools()).length === 2);
    await child.kill("SIGTERM");
    expect(await here.worker.plugins.recovery.pools()).toMatchObject([{ pid: process.pid }]);
    await here.worker.stop();
    expect(await here.sql("select from oppulence_worker.recovery_pools")).toEqual([]);
  });

  it("leaves pools that never had a heartbeat alone, and shows them", async () => {
    const database = await runsDatabase();
    const [id] = (await addWork(database, ["hold"])) as [string];
    const child = await startChild(database, { recovery: false });
    await eventually(async () => (await runsOf(database, id)).length === 1);
    await child.kill();
    const here = await startHere(database);
    expect(await here.worker.plugins.recovery.sweep()).toEqual([]);
    expect(await here.worker.plugins.recovery.pools()).toMatchObject([
      { state: "alive", jobs: 0 },
      { state: "unknown", pool: child.pools[0], jobs: 1, pid: undefined },
    ]);
  });
});
