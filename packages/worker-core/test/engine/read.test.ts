import { describe, expect, it } from "vitest";
import { testEngine } from "../support/engine.ts";

describe("engine.peek", () => {
  it("tells the five states apart", async () => {
    const { engine, add, claim, sql } = await testEngine();
    const ready = await add();
    const scheduled = await add({ runAt: "2040-01-01T00:00:00Z" });
    const held = await add();
    const running = await add();
    const failed = await add();
    await engine.hold({ ids: [held] }, undefined, { plugin: "p", code: "C", message: "m" });
    await claim([running]);
    await sql("update graphile_worker._private_jobs set attempts = max_attempts where id = $1", [
      failed,
    ]);
    const states = Object.fromEntries(
      (await engine.peek({ tasks: ["t"] })).map(({ job, state }) => [job.id, state]),
    );
    expect(states).toEqual({
      [ready]: "ready",
      [scheduled]: "scheduled",
      [held]: "held",
      [running]: "running",
      [failed]: "failed",
    });
    const depth = await engine.depth();
    expect(depth.exact).toBe(true);
    expect(depth.rows).toEqual(
      ["failed", "held", "ready", "running", "scheduled"].map((state) => ({
        task: "t",
        state,
        count: 1,
      })),
    );
  });

  it("pages by id", async () => {
    const { engine, add } = await testEngine();
    const ids = [await add(), await add(), await add()];
    const first = await engine.peek({ limit: 2 });
    expect(first.map(({ job }) => job.id)).toEqual(ids.slice(0, 2));
    const second = await engine.peek({ limit: 2, after: first[1]?.job.id as string });
    expect(second.map(({ job }) => job.id)).toEqual(ids.slice(2));
  });
});

describe("engine.depth", () => {
  it("estimates a large queue from a sample, within a tenth", async () => {
    const { engine, sql } = await testEngine();
    await sql("select graphile_worker.add_job('seed')");
    await sql(`insert into graphile_worker._private_jobs (task_id, run_at, max_attempts, attempts)
      select id, now() + case when n % 4 = 0 then interval '1 hour' else interval '-1 hour' end, 25, 0
      from graphile_worker._private_tasks, generate_series(1, 60000) as n`);
    await sql("analyze graphile_worker._private_jobs");
    const { exact, rows } = await engine.depth();
    expect(exact).toBe(false);
    const counts = Object.fromEntries(rows.map(({ state, count }) => [state, count]));
    expect(counts.ready).toBeGreaterThan(45_000 * 0.9);
    expect(counts.ready).toBeLessThan(45_000 * 1.1);
    expect(counts.scheduled).toBeGreaterThan(15_000 * 0.85);
    expect(counts.scheduled).toBeLessThan(15_000 * 1.15);
  });
});

describe("engine.lockOwners", () => {
  it("names each pool with what it holds", async () => {
    const { engine, add, claim } = await testEngine();
    await claim([await add({ queue: "q" }), await add()], "pool-a");
    await claim([await add()], "pool-b");
    expect(
      (await engine.lockOwners()).map(({ pool, jobs, queues }) => ({ pool, jobs, queues })),
    ).toEqual(
      expect.arrayContaining([
        { pool: "pool-a", jobs: 2, queues: 1 },
        { pool: "pool-b", jobs: 1, queues: 0 },
      ]),
    );
  });
});

describe("engine.sweepNotes", () => {
  it("deletes old notes of jobs that are gone, and no others", async () => {
    const { engine, add, claim, sql } = await testEngine();
    const ids = [await add(), await add(), await add()];
    const jobs = await claim(ids);
    for (const job of jobs) await engine.noteSkip(job, { plugin: "p", code: "C", message: "m" });
    await sql("delete from graphile_worker._private_jobs where id = any($1)", [ids.slice(0, 2)]);
    await sql(
      "update oppulence_worker.core_notes set updated_at = now() - interval '2 hours' where job_id <> $1",
      [ids[1]],
    );
    expect(await engine.sweepNotes("0")).toBe("0");
    const left = await sql<{ job_id: string }>(
      "select job_id from oppulence_worker.core_notes order by 1",
    );
    expect(left.map(({ job_id }) => job_id)).toEqual(ids.slice(1));
  });
});
