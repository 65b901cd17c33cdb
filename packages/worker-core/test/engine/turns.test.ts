import { describe, expect, it } from "vitest";
import { inTransaction } from "../../src/pool.ts";
import { testEngine } from "../support/engine.ts";

describe("engine.ready", () => {
  it("reads due jobs of the tasks in the order of a fetch, page by page", async () => {
    const { engine, add, claim, pool } = await testEngine();
    const late = await add({ task: "mail", runAt: "2020-01-02T00:00:00Z" });
    const early = await add({ task: "mail", runAt: "2020-01-01T00:00:00Z", payload: { to: 1 } });
    const urgent = await add({ task: "sms", priority: -1 });
    await add({ task: "other" });
    await add({ task: "mail", runAt: "2100-01-01T00:00:00Z" });
    await claim([await add({ task: "mail" })]);
    const pages: string[][] = [];
    await inTransaction(pool, async (query) => {
      for (const _ of [1, 2, 3]) {
        const except = pages.flat();
        const jobs = await engine.ready({ tasks: ["mail", "sms"], except, limit: 2 }, query);
        pages.push(jobs.map(({ id }) => id));
        if (pages.length === 1)
          expect(jobs[1]).toMatchObject({ task_identifier: "mail", payload: { to: 1 } });
      }
    });
    expect(pages).toEqual([[urgent, early], [late], []]);
  });

  it("locks what it reads: no other reader and no fetch gets it meanwhile", async () => {
    const { engine, add, pool, sql } = await testEngine();
    const id = await add({ task: "mail" });
    await inTransaction(pool, async (query) => {
      const jobs = await engine.ready({ tasks: ["mail"], limit: 10 }, query);
      expect(jobs.map((job) => job.id)).toEqual([id]);
      const other = await inTransaction(pool, (second) =>
        engine.ready({ tasks: ["mail"], limit: 10 }, second),
      );
      expect(other).toEqual([]);
      expect(
        await sql("select id from graphile_worker._private_jobs for update skip locked"),
      ).toEqual([]);
      expect(await engine.moveTurns([{ id, inMs: 60_000 }], query)).toEqual([id]);
    });
    expect((await engine.get(id))?.state).toBe("scheduled");
  });
});

describe("engine.moveTurns", () => {
  it("gives each job its own turn, and has this process look for it then", async () => {
    const { engine, add, claim, sql, dueIn } = await testEngine();
    const ids = [await add(), await add({ runAt: "2100-01-01T00:00:00Z" })] as const;
    const running = await add();
    await claim([running]);
    const moved = await engine.moveTurns([
      { id: ids[0], inMs: 5_000 },
      { id: ids[1], inMs: 0 },
      { id: running, inMs: 5_000 },
    ]);
    expect(moved.sort()).toEqual([...ids].sort());
    expect(dueIn).toEqual([5_000]);
    const due = await sql<{ id: string; in_ms: number }>(
      "select id::text, extract(epoch from run_at - now())::float8 * 1000 as in_ms from graphile_worker._private_jobs where id = any($1::bigint[]) order by id",
      [ids],
    );
    expect(due[0]?.in_ms).toBeGreaterThan(3_000);
    expect(due[0]?.in_ms).toBeLessThanOrEqual(5_000);
    expect(due[1]?.in_ms).toBeLessThanOrEqual(0);
  });

  it("tells the workers of all processes, once, when jobs are due now", async () => {
    const { engine, add, pool } = await testEngine();
    const ids = [await add(), await add(), await add()];
    const listener = await pool.connect();
    try {
      const heard: number[] = [];
      listener.on("notification", ({ payload }) => heard.push(JSON.parse(payload ?? "{}").count));
      await listener.query('listen "jobs:insert"');
      await engine.moveTurns(ids.slice(0, 1).map((id) => ({ id, inMs: 1_000 })));
      await engine.moveTurns(ids.map((id, index) => ({ id, inMs: index === 2 ? 1_000 : 0 })));
      await expect.poll(() => heard).toEqual([2]);
    } finally {
      listener.release(true);
    }
  });
});
