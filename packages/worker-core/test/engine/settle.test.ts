import { describe, expect, it } from "vitest";
import { POOL, testEngine } from "../support/engine.ts";

const REASON = { plugin: "retry", code: "FATAL", message: "it cannot succeed" };

describe("engine.exhaust", () => {
  it("leaves a claimed job no further attempt and its lock to the engine", async () => {
    const { engine, add, claim, row } = await testEngine();
    const id = await add({ maxAttempts: 7 });
    const [job] = await claim([id]);
    expect(await engine.exhaust(job as never, REASON)).toBe(true);
    expect(await row(id)).toMatchObject({
      attempts: 7,
      max_attempts: 7,
      locked_by: POOL,
      is_available: false,
    });
    expect(await engine.note(id)).toMatchObject({ ...REASON, kind: "exhausted", count: 1 });
  });

  it("does nothing to a job that another pool has claimed", async () => {
    const { engine, add, claim, row } = await testEngine();
    const id = await add();
    const [job] = await claim([id]);
    await claim([id], "pool-other");
    expect(await engine.exhaust(job as never, REASON)).toBe(false);
    expect(await engine.note(id)).toBeUndefined();
    expect(await row(id)).toMatchObject({ attempts: 2, max_attempts: 25 });
  });
});

describe("engine.retry", () => {
  it("records the failure, counts the attempt and sets when the next is due", async () => {
    const { engine, add, claim, row, sql } = await testEngine();
    const id = await add({ queue: "q" });
    const [job] = await claim([id]);
    const at = new Date(Date.now() + 3_600_000);
    await engine.retry(job as never, at, "boom \0 bang");
    expect(await row(id)).toMatchObject({
      attempts: 1,
      last_error: "boom \\0 bang",
      run_at: at,
      locked_by: null,
    });
    expect(await sql("select locked_by from graphile_worker._private_job_queues")).toEqual([
      { locked_by: null },
    ]);
  });

  it("keeps what is left of a batch payload", async () => {
    const { engine, add, claim, row } = await testEngine();
    const id = await add({ payload: [1, 2, 3] });
    const [job] = await claim([id]);
    await engine.retry(job as never, { after: "1s" }, "two failed", [2]);
    expect((await row(id))?.payload).toEqual([2]);
  });
});

describe("engine.take", () => {
  it("deletes the row, frees its queue and forgets its note, in the caller's transaction", async () => {
    const { engine, add, claim, row, sql, pool } = await testEngine();
    const id = await add({ queue: "q", flags: ["tenant=acme"], payload: { a: 1 } });
    const [job] = await claim([id]);
    const client = await pool.connect();
    try {
      const query = async (text: string, values?: readonly unknown[]) =>
        (await client.query(text, values as unknown[])).rows;
      await client.query("begin");
      const rows = await engine.take(job as never, query as never);
      expect(rows).toMatchObject([
        {
          id,
          task_identifier: "t",
          queue_name: "q",
          payload: { a: 1 },
          flags: { "tenant=acme": true },
        },
      ]);
      expect(await row(id)).toBeDefined();
      await client.query("commit");
    } finally {
      client.release();
    }
    expect(await row(id)).toBeUndefined();
    expect(await sql("select locked_by from graphile_worker._private_job_queues")).toEqual([
      { locked_by: null },
    ]);
  });

  it("takes by ids only rows that nobody holds", async () => {
    const { engine, add, claim, sql } = await testEngine();
    const [held, free] = [await add(), await add()];
    await claim([held]);
    const rows = await engine.take([held, free], sql as never);
    expect(rows.map(({ id }) => id)).toEqual([free]);
  });
});

describe("engine.giveBack", () => {
  it("returns all that a pool holds, with attempts and queues, even a last attempt", async () => {
    const { engine, add, claim, row, sql } = await testEngine();
    const [last, other] = [await add({ queue: "q", maxAttempts: 1 }), await add()];
    await claim([last]);
    await claim([other], "pool-other");
    expect(await engine.giveBack(POOL)).toBe(1);
    expect(await row(last)).toMatchObject({ attempts: 0, locked_by: null, is_available: true });
    expect(await row(other)).toMatchObject({ attempts: 1, locked_by: "pool-other" });
    expect(await sql("select locked_by from graphile_worker._private_job_queues")).toEqual([
      { locked_by: null },
    ]);
  });

  it("returns only the jobs that are named, and only if the pool holds them", async () => {
    const { engine, add, claim, row } = await testEngine();
    const [one, two] = [await add(), await add()];
    await claim([one, two]);
    expect(await engine.giveBack(POOL, { only: [one] })).toBe(1);
    expect(await engine.giveBack("pool-other", { only: [two] })).toBe(0);
    expect(await row(two)).toMatchObject({ locked_by: POOL });
  });
});

describe("engine.complete and engine.fail", () => {
  it("write for a pool that is gone what it could not", async () => {
    const { engine, add, claim, row, sql } = await testEngine();
    const [done, failed, stolen] = [
      await add({ queue: "a" }),
      await add({ queue: "b" }),
      await add(),
    ];
    await claim([done, failed]);
    await claim([stolen], "pool-other");
    await engine.complete(POOL, [done, stolen]);
    await engine.fail(POOL, [{ id: failed, message: "boom", payload: undefined }]);
    expect(await row(done)).toBeUndefined();
    expect(await row(stolen)).toBeDefined();
    expect(await row(failed)).toMatchObject({ attempts: 1, last_error: "boom", locked_by: null });
    expect(
      await sql(
        "select count(*)::int as held from graphile_worker._private_job_queues where locked_by is not null",
      ),
    ).toEqual([{ held: 0 }]);
  });
});
