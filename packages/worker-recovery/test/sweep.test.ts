import { definePlugin, type Job } from "@oppulence/worker-core";
import {
  checkInvariants,
  createFakeClock,
  type FaultPoint,
  killAt,
  type TestDatabase,
} from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { isCrashLoopError } from "../src/index.ts";
import {
  addWork,
  eventually,
  poolOf,
  QUICK,
  release,
  runsDatabase,
  runsOf,
  startChild,
  startHere,
} from "./fleet.ts";

const MODULE = new URL("./crash-worker.ts", import.meta.url);

/** A job that runs in a child. */
const running = async (database: TestDatabase) => {
  const [id] = (await addWork(database, ["hold"])) as [string];
  const child = await startChild(database);
  await eventually(async () => (await runsOf(database, id)).length === 1);
  return { id, child };
};

describe("two sweepers", () => {
  it("take a dead pool back once", async () => {
    const database = await runsDatabase();
    const { child } = await running(database);
    const [first, second] = [await startHere(database), await startHere(database)];
    const swept = [first, second].map(({ worker }) => {
      const list: string[] = [];
      worker.events.on("pool:recovered", ({ pool }) => list.push(pool));
      worker.events.on("job:recovered", ({ id, crashes }) => list.push(`${id}: ${crashes}`));
      return list;
    });
    await child.kill();
    await eventually(async () => (await runsOf(database)).length === 2);
    await Promise.all([first, second].map(({ worker }) => worker.plugins.recovery.sweep()));
    expect(swept.flat()).toHaveLength(2);
    await release(database);
    await first.drain();
    expect(await runsOf(database)).toHaveLength(2);
  });
});

describe("a sweeper that is killed", () => {
  const points: readonly FaultPoint[] = [
    "statement:recover:after",
    "statement:/settled as/:before",
  ];
  it.each(points)("leaves what it began to the next one, %s", async (point) => {
    const database = await runsDatabase();
    const { id, child } = await running(database);
    await child.kill();
    const killed = await killAt(point, { module: MODULE, database, data: { recovery: QUICK } });
    expect(killed.reached).toBe(true);
    const here = await startHere(database);
    await eventually(async () =>
      (await runsOf(database, id)).some(({ pid }) => pid === process.pid),
    );
    await release(database);
    await here.drain();
    await eventually(async () => (await here.worker.plugins.recovery.pools()).length === 1);
    expect(await here.sql("select from oppulence_worker.recovery_starts")).toEqual([]);
    expect(await checkInvariants(here.sql)).toEqual([]);
  });
});

/** A worker whose heart stands still: to others it looks dead, and it does not know it. */
const startZombie = async (database: TestDatabase) => {
  const clock = createFakeClock();
  // It claims no second job, so that it does not find out by itself.
  const worker = { concurrentJobs: 1, localQueue: { size: -1 } };
  return { clock, zombie: await startHere(database, { clock, worker }) };
};

describe("a pool that is declared dead while it lives", () => {
  it("is told by its next beat, and its worker goes on in a new pool", async () => {
    const database = await runsDatabase();
    const { clock, zombie } = await startZombie(database);
    const lost: string[] = [];
    zombie.worker.events.on("pool:lost", ({ pool }) => lost.push(pool));
    const [id] = (await addWork(database, ["hold"])) as [string];
    await eventually(async () => (await runsOf(database, id)).length === 1);
    const here = await startHere(database);
    await eventually(async () => (await runsOf(database, id)).length === 2);
    const [run] = await runsOf(database, id);
    expect((await zombie.worker.health()).parts.recovery).toMatchObject({
      status: "down",
      detail: expect.stringContaining("could not say for"),
    });
    await clock.advance("250ms");
    await eventually(() => lost.length === 1);
    expect(lost).toEqual([run?.pool]);
    await eventually(
      async () => (await runsOf(database, id))[0]?.ended === "aborted: PoolLostError",
    );
    const states = async () => {
      await clock.advance("250ms");
      return (await here.worker.plugins.recovery.pools()).map(({ state }) => state).join();
    };
    await eventually(async () => (await states()) === "alive,alive");
    await eventually(async () => (await zombie.worker.health()).parts.recovery?.status === "ok");
    await release(database);
    await here.drain();
    expect(await runsOf(database, id)).toHaveLength(2);
    expect(await checkInvariants(here.sql)).toEqual([]);
  });
});

describe("a poison pill with the plugin dlq", () => {
  const deadLetters = (moved: { job: Job; reason: string; error: unknown }[], fails: boolean) =>
    definePlugin({
      name: "dlq",
      producers: "not-covered",
      setup: ({ engine, query }) => ({
        api: {
          async moveToDeadLetter(job: Job, why: { reason: string; error: unknown }) {
            if (fails) throw new Error("no room");
            moved.push({ job, ...why });
            await engine.take(job, query);
          },
        },
      }),
    });

  /** A job that has gone down with two pools already, and runs in a third that looks dead. */
  const thirdCrash = async (database: TestDatabase): Promise<string> => {
    await startZombie(database);
    const { rows } = await poolOf(database).query<{ id: string }>(
      `select id from graphile_worker.add_job('work', '{"kind":"hold"}', queue_name := 'pills', flags := array['crashes=2', 'tenant=a'])`,
    );
    await eventually(async () => (await runsOf(database)).length === 1);
    return rows[0]?.id as string;
  };

  it("is moved to the dead letters with reason crash_loop, and its queue is freed", async () => {
    const database = await runsDatabase();
    const id = await thirdCrash(database);
    const [next] = (await addWork(database, ["quick"], { queues: ["pills"] })) as [string];
    const moved: { job: Job; reason: string; error: unknown }[] = [];
    const here = await startHere(database, { plugins: [deadLetters(moved, false)] });
    await eventually(async () => (await runsOf(database, next)).length === 1);
    expect(moved).toMatchObject([
      {
        reason: "crash_loop",
        job: { id, task_identifier: "work", flags: { "crashes=3": true, "tenant=a": true } },
      },
    ]);
    expect(isCrashLoopError(moved[0]?.error)).toBe(true);
    expect(moved[0]?.error).toMatchObject({ job: id, task: "work", crashes: 3 });
    await release(database);
    await here.drain();
    expect(await here.sql("select from graphile_worker.jobs")).toEqual([]);
    expect(await checkInvariants(here.sql)).toEqual([]);
  });

  it("fails for good in the queue when it cannot be moved", async () => {
    const database = await runsDatabase();
    const id = await thirdCrash(database);
    const here = await startHere(database, { plugins: [deadLetters([], true)] });
    await here.waitFor(id, "failed");
    expect(here.logs.some(({ message }) => message.includes("no room"))).toBe(true);
    expect(await here.worker.engine.note(id)).toMatchObject({ code: "CRASH_LOOP" });
    await release(database);
    expect(await checkInvariants(here.sql)).toEqual([]);
  });
});
