import { defineTask } from "@oppulence/worker-core";
import { assertInvariants, type FaultPoint, killAt, recoverPools } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { boom } from "./killed-worker.ts";
import { queued, start } from "./start.ts";

describe("a worker killed with -9", () => {
  it.each<[string, FaultPoint, "queue" | "dlq"]>([
    ["before it moves the job", "statement:/insert into \\S+graphile_worker_dlq/:before", "queue"],
    ["after it moved the job", "statement:/insert into \\S+graphile_worker_dlq/:after", "dlq"],
    ["after its hook, which does not wait for the move", "onFailure:after@dlq", "queue"],
  ])("%s leaves it in one place, and it ends as one dead letter", async (_, point, place) => {
    const killed = await killAt(point, {
      module: new URL("./killed-worker.ts", import.meta.url),
      enqueue: [{ task: "boom", payload: { n: 1 }, maxAttempts: 1, queueName: "q" }],
    });
    onTestFinished(() => killed.database.drop());
    const harness = await start([boom], { database: killed.database, start: false });
    const { rows } = await killed.database
      .pool()
      .query("select job_id from oppulence_worker.graphile_worker_dlq");
    expect({ rows: rows.length, queued: (await queued(harness)).length }).toEqual(
      place === "dlq" ? { rows: 1, queued: 0 } : { rows: 0, queued: 1 },
    );
    await recoverPools(harness.worker.engine, killed.pools);
    await harness.worker.start();
    await harness.drain();
    expect((await harness.api.list()).entries).toHaveLength(1);
    expect(await queued(harness)).toEqual([]);
    await harness.worker.stop();
    await assertInvariants(harness.sql);
  });
});

describe("PostgreSQL gone during the move", () => {
  it("leaves the job in the queue, says so, and the reconciler moves it later", async () => {
    const harness = await start([boom]);
    const blocker = await harness.database.pool().connect();
    onTestFinished(() => blocker.release(true));
    await blocker.query("begin");
    await blocker.query("lock table oppulence_worker.graphile_worker_dlq in access exclusive mode");
    const added = await harness.enqueue(boom, {}, { maxAttempts: 1 });
    const moving = () =>
      blocker.query(
        "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
      );
    await vi.waitUntil(async () => (await moving()).rows.length === 1, 10_000);
    const [{ pid }] = (await moving()).rows;
    await blocker.query("select pg_terminate_backend($1)", [pid]);
    await harness.waitFor(added, "failed");
    await blocker.query("rollback");
    expect((await harness.api.list()).entries).toEqual([]);
    expect(harness.logs.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/could not move job 1: /),
    );
    expect(await harness.api.reconcile()).toBe(1);
    const { entries } = await harness.api.list();
    expect(entries[0]).toMatchObject({ reason: "attempts_exhausted", error: { message: "boom" } });
  });

  it("still ends a job whose maxRetries are used up", async () => {
    const task = defineTask({
      identifier: "capped",
      dlq: { maxRetries: 0 },
      run: () => {
        throw new Error("boom");
      },
    });
    const harness = await start([task]);
    await harness.sql("alter table oppulence_worker.graphile_worker_dlq rename to away");
    const added = await harness.enqueue(task);
    await harness.waitFor(added, "failed");
    await harness.sql("alter table oppulence_worker.away rename to graphile_worker_dlq");
    expect(await harness.api.reconcile()).toBe(1);
    const { entries } = await harness.api.list();
    expect(entries[0]).toMatchObject({ reason: "max_retries" });
  });
});

describe("health", () => {
  it("is degraded while the reconciler fails, and well again by itself", async () => {
    const harness = await start([boom], { dlq: { reconcileInterval: "10ms" } });
    const status = async () => (await harness.worker.health()).status;
    await harness.sql("alter table oppulence_worker.core_notes rename to away");
    await harness.enqueueSql("boom", {}, { runAt: new Date(Date.now() + 3_600_000) });
    await harness.sql(
      "select graphile_worker.permanently_fail_jobs(array(select id from graphile_worker.jobs))",
    );
    await vi.waitUntil(async () => (await status()) === "degraded", 10_000);
    await harness.sql("alter table oppulence_worker.away rename to core_notes");
    await vi.waitUntil(async () => (await status()) === "ok", 10_000);
    expect((await harness.api.list()).entries).toHaveLength(1);
    const complaints = harness.logs.filter(({ message }) => message.includes("could not look for"));
    expect(complaints.length).toBeGreaterThanOrEqual(1);
    expect(complaints.length).toBeLessThan(4);
  });
});
