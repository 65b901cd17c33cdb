import { createClient } from "@oppulence/worker-core";
import { recordingMeter } from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
import { describe, expect, it, onTestFinished } from "vitest";
import { recovery } from "../src/index.ts";
import {
  addWork,
  eventually,
  release,
  runsDatabase,
  runsOf,
  startChild,
  startHere,
} from "./fleet.ts";

describe("recovery", () => {
  it("counts what it recovers, and pools by state at a scrape", async () => {
    const database = await runsDatabase();
    const [id] = (await addWork(database, ["hold"])) as [string];
    const child = await startChild(database);
    await eventually(async () => (await runsOf(database, id)).length === 1);
    const meter = recordingMeter();
    const here = await startHere(database, { plugins: [meter.plugin] });
    expect(await meter.scrape("worker_pools")).toMatchObject({ "worker_pools{state=alive}": 2 });
    const events: unknown[] = [];
    here.worker.events.on("job:recovered", (event) => events.push(event));
    here.worker.events.on("pool:recovered", ({ pool, returned }) =>
      events.push({ pool, returned }),
    );
    await child.kill();
    await eventually(() => events.length === 2);
    const [pool] = child.pools;
    expect(events).toEqual([
      { id, task: "work", crashes: 1, pool },
      { pool, returned: 1 },
    ]);
    expect(meter.value("worker_recovered_jobs_total{}")).toBe(1);
    const pools = () => meter.scrape("worker_pools");
    expect(await pools()).toMatchObject({ "worker_pools{state=dead}": 1 });
    await eventually(async () => (await pools())["worker_pools{state=dead}"] === 0);
    expect(await pools()).toMatchObject({ "worker_pools{state=alive}": 1 });
    await release(database);
  });

  it("explains jobs of silent pools, and jobs that went down with one", async () => {
    const database = await runsDatabase();
    const [id] = (await addWork(database, ["hold"])) as [string];
    const child = await startChild(database, { recovery: { heartbeat: 250, deadAfter: "1h" } });
    await eventually(async () => (await runsOf(database, id)).length === 1);
    const here = await startHere(database);
    const told = async () => (await here.worker.explain(id)).plugins;
    expect(await told()).toEqual([]);
    await child.kill();
    await eventually(async () => (await told()).length === 1);
    expect(await told()).toMatchObject([
      {
        plugin: "recovery",
        code: "POOL_LATE",
        blocking: true,
        message: expect.stringContaining(`process ${child.pid} on`),
      },
    ]);
    await here.sql("update oppulence_worker.recovery_pools set dead_after_ms = 1000");
    await eventually(async () => (await runsOf(database, id)).length === 2);
    expect(await told()).toMatchObject([{ code: "SUSPECT", blocking: false }]);
    await release(database);
  });

  it("lists and sweeps pools from a client, without a pool of its own", async () => {
    const database = await runsDatabase();
    const [id] = (await addWork(database, ["hold"])) as [string];
    const child = await startChild(database);
    await eventually(async () => (await runsOf(database, id)).length === 1);
    const client = createClient({
      connectionString: database.url,
      config: false,
      logger: new Logger(() => () => {}),
      plugins: [recovery()],
    });
    onTestFinished(() => client.stop());
    const run = async (name: string) => {
      const shown: unknown[] = [];
      const io = { json: true, table: (rows: unknown[]) => shown.push(...rows), line: () => {} };
      await client.commands
        .find((command) => command.name === name)
        ?.run({ args: {}, options: {}, io: io as never });
      return shown;
    };
    expect(await run("recovery pools")).toMatchObject([
      { pool: child.pools[0], state: "alive", pid: child.pid, jobs: 1 },
    ]);
    expect(await run("recovery sweep")).toEqual([]);
    await child.kill();
    await eventually(async () => (await client.plugins.recovery.pools())[0]?.state === "dead");
    expect(await run("recovery sweep")).toMatchObject([{ pool: child.pools[0], returned: 1 }]);
    expect(await client.engine.peek({ ids: [id] })).toMatchObject([{ state: "ready" }]);
    const [panel] = client.panels;
    expect(await panel?.load({ limit: 10 })).toMatchObject([{ state: "dead", jobs: 0 }]);
  });

  it("keeps named queues in order, one job at a time, with the local queue on", async () => {
    const database = await runsDatabase();
    const kinds = Array.from({ length: 20 }, () => "quick" as const);
    const queues = kinds.map((_, at) => (at < 10 ? "a" : "b"));
    const last = (await addWork(database, kinds, { queues }))[9];
    const here = await startHere(database);
    await here.drain();
    const overlapping = await here.sql(
      `select from recovery_test_runs as one join recovery_test_runs as other
on other.job_id > one.job_id and (other.job_id <= $1::bigint) = (one.job_id <= $1::bigint)
where other.started_at < one.ended_at`,
      [last],
    );
    expect(await runsOf(database)).toHaveLength(20);
    expect(overlapping).toEqual([]);
  });

  it("is off with enabled: false: no heartbeat, no local queue", async () => {
    const database = await runsDatabase();
    const env = { OPPULENCE_WORKER__PLUGINS__RECOVERY__ENABLED: "false" };
    const here = await startHere(database, { config: { env } });
    const [id] = (await addWork(database, ["quick"])) as [string];
    await eventually(async () => (await runsOf(database, id)).length === 1);
    // While the job runs, its pool is one that holds a job and never had a heartbeat.
    await eventually(async () => (await here.worker.plugins.recovery.pools()).length === 0);
    expect(await here.sql("select from oppulence_worker.recovery_pools")).toEqual([]);
  });
});
