import { describe, expect, it } from "vitest";
import { POOL, testEngine } from "../support/engine.ts";

const DEAD = "pool-dead";

describe("engine.recover", () => {
  it("gives a dead pool's jobs back with their attempt, frees their queues and counts the crash", async () => {
    const { engine, add, claim, row, sql } = await testEngine();
    const ids = [await add({ queue: "q" }), await add(), await add()];
    const [a, b, other] = ids as [string, string, string];
    await claim([a, b], DEAD);
    await claim([other], POOL);
    expect(await engine.recover(DEAD, { started: [], maxCrashes: 3 })).toEqual({
      returned: [a, b].map((id) => ({ id, task: "t", crashes: 1 })),
      poisoned: [],
    });
    for (const id of [a, b])
      expect(await row(id)).toMatchObject({
        attempts: 0,
        locked_by: null,
        locked_at: null,
        is_available: true,
        flags: { "crashes=1": true },
      });
    expect(await row(other)).toMatchObject({ attempts: 1, locked_by: POOL, flags: null });
    expect(
      await sql(
        "select locked_by from graphile_worker._private_job_queues where locked_by is not null",
      ),
    ).toEqual([]);
  });

  it("counts on only for jobs that had been started, and keeps other flags", async () => {
    const { engine, add, claim, row } = await testEngine();
    const started = await add({ flags: ["crashes=1", "tenant=acme"] });
    const queued = await add({ flags: ["crashes=1"] });
    await claim([started, queued], DEAD);
    const { returned } = await engine.recover(DEAD, { started: [started], maxCrashes: 3 });
    expect(returned.map(({ crashes }) => crashes)).toEqual([2, 1]);
    expect((await row(started))?.flags).toEqual({ "crashes=2": true, "tenant=acme": true });
    expect((await row(queued))?.flags).toEqual({ "crashes=1": true });
  });

  it("does not take a job for a poison pill that had not been started", async () => {
    const { engine, add, claim, row } = await testEngine();
    const id = await add({ flags: ["crashes=3"] });
    await claim([id], DEAD);
    expect(await engine.recover(DEAD, { started: [], maxCrashes: 3 })).toEqual({
      returned: [{ id, task: "t", crashes: 3 }],
      poisoned: [],
    });
    expect(await row(id)).toMatchObject({ attempts: 0, locked_by: null });
  });

  it("leaves a poison pill locked by the dead pool, and tells of it again without counting again", async () => {
    const { engine, add, claim, row } = await testEngine();
    const id = await add({ flags: ["crashes=2"] });
    await claim([id], DEAD);
    const choice = { started: [id], maxCrashes: 3 };
    const first = await engine.recover(DEAD, choice);
    expect(first).toMatchObject({
      returned: [],
      poisoned: [{ crashes: 3, job: { id, locked_by: DEAD, task_identifier: "t" } }],
    });
    expect(await engine.recover(DEAD, choice)).toMatchObject({ poisoned: [{ crashes: 3 }] });
    expect(await row(id)).toMatchObject({
      attempts: 1,
      locked_by: DEAD,
      flags: { "crashes=3": true },
    });
  });
});

describe("engine.failed", () => {
  it("walks the table a page at a time and finds what nobody holds and has no attempt left", async () => {
    const { engine, add, claim, sql } = await testEngine();
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) ids.push(await add({ maxAttempts: 1 }));
    await sql(
      "update graphile_worker._private_jobs set attempts = max_attempts where id = any($1::bigint[])",
      [[ids[1], ids[4]]],
    );
    await claim([ids[6] as string]);
    const found: string[] = [];
    let after = "0";
    let pages = 0;
    do {
      const page = await engine.failed(after, 3);
      found.push(...page.ids);
      after = page.next;
      pages++;
    } while (after !== "0");
    expect(found).toEqual([ids[1], ids[4]]);
    expect(pages).toBe(3);
  });
});

describe("engine.takeInto", () => {
  const into = (tag: string) => ({
    sql: "select id, task_identifier, queue_name, payload, $3::text as tag from taken order by id",
    values: [tag],
  });

  it("takes claimed jobs, each guarded by its claim, frees their queues and runs the statement", async () => {
    const { engine, add, claim, row, sql } = await testEngine();
    const mine = await add({ queue: "q", payload: { n: 1 } });
    const theirs = await add();
    const [job] = await claim([mine]);
    const [stale] = await claim([theirs]);
    await claim([theirs], "pool-other");
    const rows = await engine.takeInto({ claimed: [job, stale] as never }, into("x"));
    expect(rows).toEqual([
      { id: mine, task_identifier: "t", queue_name: "q", payload: { n: 1 }, tag: "x" },
    ]);
    expect(await row(mine)).toBeUndefined();
    expect(await row(theirs)).toMatchObject({ locked_by: "pool-other" });
    expect(
      await sql(
        "select locked_by from graphile_worker._private_job_queues where locked_by is not null",
      ),
    ).toEqual([]);
  });

  it("takes waiting jobs but no claimed ones, and failed ones but none with attempts left", async () => {
    const { engine, add, claim, sql } = await testEngine();
    const [waiting, failed, claimed] = [await add(), await add(), await add()];
    await claim([claimed]);
    await sql("update graphile_worker._private_jobs set attempts = max_attempts where id = $1", [
      failed,
    ]);
    const idsOf = (rows: object[]) => rows.map((one) => (one as { id: string }).id);
    const all = [waiting, failed, claimed];
    expect(idsOf(await engine.takeInto({ failed: all }, into("f")))).toEqual([failed]);
    expect(idsOf(await engine.takeInto({ waiting: all }, into("w")))).toEqual([waiting]);
  });

  it("takes nothing when its statement fails", async () => {
    const { engine, add, row } = await testEngine();
    const id = await add();
    const broken = { sql: "select 1 / (id - id) from taken", values: [] };
    await expect(engine.takeInto({ waiting: [id] }, broken)).rejects.toThrow("division by zero");
    expect(await row(id)).toMatchObject({ locked_by: null });
  });
});
