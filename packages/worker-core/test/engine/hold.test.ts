import { describe, expect, it } from "vitest";
import { testEngine } from "../support/engine.ts";

const reason = { plugin: "breaker", code: "OPEN", message: "smtp is down" };

describe("engine.hold and engine.release", () => {
  it("parks waiting jobs of a task and brings them back where they were", async () => {
    const { engine, add, claim, sql } = await testEngine();
    const mail = [
      await add({ task: "mail" }),
      await add({ task: "mail", runAt: "2020-01-01T00:00:00Z" }),
      await add({ task: "mail", runAt: "2100-01-01T00:00:00Z" }),
    ];
    const other = await add({ task: "other" });
    const running = await add({ task: "mail" });
    await claim([running]);
    const before = await sql("select id, run_at from graphile_worker._private_jobs order by id");
    expect(await engine.hold({ tasks: ["mail"] }, undefined, reason)).toBe(3);
    const held = await engine.peek({ states: ["held"] });
    expect(held.map(({ job }) => job.id)).toEqual(mail);
    expect(held[0]?.note).toMatchObject({ plugin: "breaker", code: "OPEN", kind: "held" });
    expect((await engine.get(other))?.state).toBe("ready");
    expect((await engine.get(running))?.state).toBe("running");
    expect(await engine.release("breaker")).toBe(3);
    expect(await sql("select id, run_at from graphile_worker._private_jobs order by id")).toEqual(
      before,
    );
    expect((await engine.get(mail[0] as string))?.note).toBeUndefined();
  });

  it("keeps the order of jobs that come back by themselves", async () => {
    const { engine, add, sql } = await testEngine();
    const ids = [
      await add({ runAt: "2020-01-03T00:00:00Z" }),
      await add({ runAt: "2020-01-01T00:00:00Z" }),
      await add({ runAt: "2020-01-02T00:00:00Z" }),
    ];
    await engine.hold({ tasks: ["t"] }, new Date("2030-01-01T00:00:00Z"), reason);
    const order = await sql<{ id: string }>(
      "select id from graphile_worker._private_jobs order by priority, run_at",
    );
    expect(order.map(({ id }) => id)).toEqual([ids[1], ids[2], ids[0]]);
  });

  it("releases a ramp at a time, the oldest first, and only its own", async () => {
    const { engine, add } = await testEngine();
    const ids = [
      await add({ runAt: "2020-01-02T00:00:00Z" }),
      await add({ runAt: "2020-01-01T00:00:00Z" }),
    ];
    await engine.hold({ tasks: ["t"] }, undefined, reason);
    expect(await engine.release("somebody-else")).toBe(0);
    expect(await engine.release("breaker", undefined, 1)).toBe(1);
    expect((await engine.peek({ states: ["held"] })).map(({ job }) => job.id)).toEqual([ids[0]]);
  });

  it("brings jobs that the same plugin deferred back to where they were when they were fetched", async () => {
    const { engine, add, claim, sql } = await testEngine();
    const ids = [];
    for (let n = 0; n < 6; n++) ids.push(await add({ runAt: "2020-01-01T00:00:00Z" }));
    for (const round of [1, 2]) {
      for (const job of await claim(ids.slice(0, 3)))
        await engine.defer(job as never, { after: 100 * round }, reason);
    }
    expect(await engine.hold({ tasks: ["t"] }, undefined, reason)).toBe(6);
    expect(await engine.hold({ tasks: ["t"] }, new Date("9999-06-01T00:00:00Z"), reason)).toBe(6);
    expect(await engine.release("breaker", undefined, 2)).toBe(2);
    expect(await engine.release("breaker")).toBe(4);
    const order = await sql<{ id: string }>(
      "select id from graphile_worker._private_jobs order by priority, run_at",
    );
    expect(order.map(({ id }) => id)).toEqual(ids);
  });

  it("leaves the slot alone that another plugin deferred a job to", async () => {
    const { engine, add, claim, row } = await testEngine();
    const id = await add();
    const [job] = await claim([id]);
    const slot = new Date(Date.now() + 60_000);
    await engine.defer(job as never, slot, { ...reason, plugin: "rateLimit" });
    await engine.hold({ tasks: ["t"] }, undefined, reason);
    await engine.release("breaker");
    expect(await row(id)).toMatchObject({ run_at: slot });
  });

  it("brings jobs that were added together back in their order, a ramp at a time", async () => {
    const { engine, sql } = await testEngine();
    const fetched = async () =>
      (
        await sql(
          "select (payload ->> 'n')::int as n from graphile_worker._private_jobs where run_at <= now() order by priority, run_at",
        )
      ).map(({ n }) => n);
    await sql(
      "select graphile_worker.add_jobs(array(select json_populate_record(null::graphile_worker.job_spec, json_build_object('identifier', 't', 'payload', json_build_object('n', n))) from generate_series(1, 300) as n))",
    );
    for (let turn = 0; turn < 2; turn++) {
      await engine.hold({ tasks: ["t"] }, undefined, reason);
      for (const lot of [40, 100])
        expect(await engine.release("breaker", undefined, lot)).toBe(lot);
      expect(await fetched()).toEqual(Array.from({ length: 140 }, (_, n) => n + 1));
      expect(await engine.release("breaker")).toBe(160);
      expect(await fetched()).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    }
  });

  it("remembers where a job was when it is held again", async () => {
    const { engine, add, row } = await testEngine();
    const id = await add({ runAt: "2020-01-01T00:00:00Z" });
    await engine.hold({ ids: [id] }, new Date("2030-01-01T00:00:00Z"), reason);
    expect(await engine.hold({ ids: [id] }, new Date("2031-01-01T00:00:00Z"), reason)).toBe(1);
    await engine.release("breaker");
    expect((await row(id))?.run_at).toEqual(new Date("2020-01-01T00:00:00Z"));
  });

  it("leaves a held job alone that was rescheduled since", async () => {
    const { engine, add, row } = await testEngine();
    const id = await add();
    await engine.hold({ ids: [id] }, undefined, reason);
    const at = new Date("2040-01-01T00:00:00Z");
    await engine.reschedule([id], { runAt: at });
    expect((await engine.get(id))?.state).toBe("scheduled");
    expect(await engine.release("breaker")).toBe(0);
    expect((await row(id))?.run_at).toEqual(at);
  });

  it("matches by queue and by labels, all of them", async () => {
    const { engine, add } = await testEngine();
    const queued = await add({ queue: "q" });
    const labelled = await add({ flags: ["tenant=acme", "v=3"] });
    await add({ flags: ["tenant=acme"] });
    expect(await engine.hold({ queues: ["q"] }, undefined, reason)).toBe(1);
    expect(await engine.hold({ labels: { tenant: "acme", v: "3" } }, undefined, reason)).toBe(1);
    expect((await engine.peek({ states: ["held"] })).map(({ job }) => job.id)).toEqual([
      queued,
      labelled,
    ]);
  });

  it("refuses an empty match, which would mean every job", async () => {
    const { engine } = await testEngine();
    await expect(engine.hold({}, undefined, reason)).rejects.toThrow(
      "at least one of tasks, queues, labels, ids",
    );
  });
});
