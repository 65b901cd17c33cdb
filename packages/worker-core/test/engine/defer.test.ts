import { describe, expect, it } from "vitest";
import { POOL, testEngine } from "../support/engine.ts";

const reason = { plugin: "limits", code: "RATE_LIMITED", message: "10 a second" };

describe("engine.defer", () => {
  it("gives the attempt back, unlocks the job and sets when it is due", async () => {
    const { engine, add, claim, row } = await testEngine();
    const id = await add();
    const [job] = await claim([id]);
    const at = new Date(Date.now() + 60_000);
    const moved = await engine.defer(job as never, at, reason);
    expect(moved?.runAt).toEqual(at);
    expect(await row(id)).toMatchObject({
      attempts: 0,
      locked_by: null,
      locked_at: null,
      run_at: at,
      is_available: true,
    });
  });

  it("counts from the database's clock when given a duration", async () => {
    const { engine, add, claim, dueIn } = await testEngine();
    const [job] = await claim([await add()]);
    await engine.defer(job as never, { after: "5s" }, reason);
    expect(dueIn).toHaveLength(1);
    expect(dueIn[0]).toBeGreaterThan(4_500);
    expect(dueIn[0]).toBeLessThanOrEqual(5_000);
  });

  it("never makes a job due before the engine's own failure write", async () => {
    const { engine, add, claim } = await testEngine(500);
    const [job] = await claim([await add()]);
    const moved = await engine.defer(job as never, new Date(0), reason);
    expect(moved?.dueInMs).toBeGreaterThan(400);
  });

  it("frees the job's queue, and no queue that another pool holds", async () => {
    const { engine, add, claim, sql } = await testEngine();
    const [mine, theirs] = [await add({ queue: "a" }), await add({ queue: "b" })];
    const [job] = await claim([mine]);
    await claim([theirs], "pool-other");
    await engine.defer(job as never, { after: 1_000 }, reason);
    expect(
      await sql("select queue_name, locked_by from graphile_worker._private_job_queues order by 1"),
    ).toEqual([
      { queue_name: "a", locked_by: null },
      { queue_name: "b", locked_by: "pool-other" },
    ]);
  });

  it("leaves a row alone that another pool has claimed since", async () => {
    const { engine, add, claim, row, dueIn } = await testEngine();
    const id = await add();
    const [job] = await claim([id]);
    await claim([id], "pool-other");
    expect(await engine.defer(job as never, { after: 1_000 }, reason)).toBeUndefined();
    expect(await row(id)).toMatchObject({ attempts: 2, locked_by: "pool-other" });
    expect(dueIn).toEqual([]);
  });

  it("keeps one note a job and counts", async () => {
    const { engine, add, claim } = await testEngine();
    const id = await add();
    for (const message of ["first", "second"]) {
      const [job] = await claim([id]);
      await engine.defer(job as never, { after: 1_000 }, { ...reason, message });
    }
    const record = await engine.get(id);
    expect(record).toMatchObject({
      state: "scheduled",
      note: {
        plugin: "limits",
        code: "RATE_LIMITED",
        message: "second",
        kind: "deferred",
        count: 2,
      },
    });
    expect(record?.note?.until).toEqual(record?.job.run_at);
  });

  it("shares one statement among the jobs of a tick", async () => {
    const { engine, add, claim, statements } = await testEngine();
    const ids = await Promise.all(Array.from({ length: 50 }, () => add()));
    const jobs = await claim(ids);
    await Promise.all(
      jobs.map((job, index) => engine.defer(job, { after: 1_000 + index }, reason)),
    );
    expect(statements()).toBe(1);
  });

  it("refuses an invalid date without touching the job", async () => {
    const { engine, add, claim, row } = await testEngine();
    const id = await add();
    const [job] = await claim([id]);
    await expect(engine.defer(job as never, new Date("nonsense"), reason)).rejects.toThrow(
      "until got an invalid Date",
    );
    expect(await row(id)).toMatchObject({ locked_by: POOL, attempts: 1 });
  });
});
