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

describe("recovery, when a worker is paused for longer than its lease", () => {
  it("aborts its jobs once it goes on, and deletes no row that another pool owns", async () => {
    const database = await runsDatabase();
    const [heeds, deaf] = (await addWork(database, ["hold", "deaf"])) as [string, string];
    const child = await startChild(database);
    await eventually(async () => (await runsOf(database)).length === 2);
    const here = await startHere(database);
    process.kill(child.pid, "SIGSTOP");
    await eventually(async () => (await runsOf(database)).length === 4);
    process.kill(child.pid, "SIGCONT");

    const ended = () =>
      runsOf(database).then((runs) => runs.filter(({ pid, ended }) => ended && pid === child.pid));
    await eventually(async () => (await ended()).length === 1);
    expect(await ended()).toMatchObject([{ job_id: heeds, ended: "aborted: PoolLostError" }]);
    // The one that does not heed its signal now ends well, as far as it knows.
    await release(database, child.pid);
    await eventually(async () => (await ended()).length === 2);
    // Whatever the child writes for them it has written by the time that it has run another one.
    const [next] = (await addWork(database, ["hold", "hold", "hold", "hold"])) as [string];
    await eventually(async () => (await runsOf(database, next)).length === 1);
    const owners = await here.sql<{ id: string; locked_by: string }>(
      "select id, locked_by from graphile_worker.jobs where id = any($1) order by id",
      [[heeds, deaf]],
    );
    const [pool] = (await here.worker.plugins.recovery.pools()).filter(
      ({ pid }) => pid === process.pid,
    );
    expect(owners).toEqual([
      { id: heeds, locked_by: pool?.pool },
      { id: deaf, locked_by: pool?.pool },
    ]);

    await release(database);
    await here.drain();
    expect(await checkInvariants(here.sql)).toEqual([]);
    // It works on in a pool with another id.
    await eventually(async () => {
      const pools = await here.worker.plugins.recovery.pools();
      return pools.some(({ pool, state }) => pool === child.pools[1] && state === "alive");
    });
  });

  it("runs its jobs on if nobody has taken them meanwhile", async () => {
    const database = await runsDatabase();
    const [id] = (await addWork(database, ["hold"])) as [string];
    const child = await startChild(database);
    await eventually(async () => (await runsOf(database, id)).length === 1);
    process.kill(child.pid, "SIGSTOP");
    const silent = () =>
      poolOf(database).query(
        "select from oppulence_worker.recovery_pools where beat_at < now() - interval '1.2 s'",
      );
    await eventually(async () => (await silent()).rowCount === 1);
    process.kill(child.pid, "SIGCONT");
    const [next] = (await addWork(database, ["quick"])) as [string];
    await eventually(async () => (await runsOf(database, next)).length === 1);
    await release(database);
    await eventually(async () => (await runsOf(database, id))[0]?.ended === "done");
    expect(await runsOf(database, id)).toHaveLength(1);
    expect(child.pools).toHaveLength(1);
  });
});
