import { type AnyPlugin, definePlugin, taken } from "@oppulence/worker-core";
import {
  assertInvariants,
  type FaultPoint,
  killAt,
  recoverPools,
  startPostgres,
} from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { defineWorkflow } from "../src/index.ts";
import { chain, waits } from "./chain-worker.ts";
import { prove, reach, soon, start, stepStates } from "./start.ts";

const MODULE = new URL("./chain-worker.ts", import.meta.url);

describe("a worker killed with -9", () => {
  it.each<[string, FaultPoint]>([
    ["before it begins a step", "statement:/saga_begin/:before"],
    ["after it began a step", "statement:/saga_begin/:after"],
    ["before it records a step", "statement:/saga_settle/:before"],
    ["after it recorded a step, before the next one's job", "statement:/saga_settle/:after"],
    ["after it added the next step's job, before the commit", "insert:after"],
    ["at the commit of a step", "statement:/^commit/:before"],
    ["after the commit of a step", "statement:/^commit/:after"],
    ["in the middle of a transactional step", "statement:/into ran values \\('b'/:after"],
  ])("%s loses nothing and does nothing twice that counts", async (_, point) => {
    const prepared = await start([chain], { start: false });
    await prepared.worker.migrate();
    await prepared.sql("create table ran (step text, key text)");
    await prepared.client.plugins.saga.start(chain, null, { id: "r" });
    const killed = await killAt(point, { module: MODULE, database: prepared.database });
    await recoverPools(prepared.client.engine, killed.pools);
    await prepared.worker.start();
    expect(await prepared.api.result("r", { workflow: chain })).toEqual({
      a: "A",
      b: "AB",
      c: "ABC",
    });
    await prepared.drain();
    expect(await prepared.sql("select count(*)::int as count from ran where step = 'b'")).toEqual([
      { count: 1 },
    ]);
    await prove(prepared);
    await prepared.worker.stop();
    await assertInvariants(prepared.sql);
  });
});

describe("a signal around a kill", () => {
  it.each<[string, FaultPoint, boolean]>([
    ["before its step waits", "statement:/saga_settle/:before", false],
    ["in the middle of the wait being recorded", "statement:/saga_settle/:after", false],
    ["as its step was about to wait, and was sent before", "statement:/^commit/:before", true],
  ])("of the worker %s is delivered once", async (_, point, isFirst) => {
    const prepared = await start([waits], { start: false });
    await prepared.worker.migrate();
    await prepared.sql("create table ran (step text, key text)");
    const { saga } = prepared.client.plugins;
    await saga.start(waits, null, { id: "r" });
    const send = () => saga.signal("r", "go", { n: 1 }, { key: "once" });
    if (isFirst) await send();
    const killed = await killAt(point, { module: MODULE, database: prepared.database });
    // Whoever does not know whether it was sent sends it again.
    await send();
    await send();
    await recoverPools(prepared.client.engine, killed.pools);
    await prepared.worker.start();
    expect(await prepared.api.result("r")).toEqual({ go: { n: 1 }, after: { n: 1 } });
    expect(await prepared.sql("select taken_by from oppulence_worker.saga_signals")).toEqual([
      { taken_by: 0 },
    ]);
    await prove(prepared);
  });
});

describe("PostgreSQL restarted in the middle", () => {
  it("costs no attempt, and every run ends", { timeout: 60_000 }, async () => {
    const postgres = await startPostgres({ url: false });
    onTestFinished(() => postgres.stop());
    const slow = defineWorkflow({
      name: "slow",
      steps: ["a", "b", "c", "d"].map((id) => ({
        id,
        retry: { maxAttempts: 1 },
        execute: () => new Promise((resolve) => setTimeout(resolve, 60)),
      })),
    });
    const harness = await start([slow], { databases: postgres, worker: { concurrentJobs: 8 } });
    const ids = Array.from({ length: 20 }, (_, n) => `r${n}`);
    await Promise.all(ids.map((id) => harness.api.start(slow, null, { id })));
    await expect
      .poll(async () => (await harness.api.list({ states: ["succeeded"] })).length, {
        timeout: 10_000,
      })
      .toBeGreaterThan(0);
    await postgres.restart({ mode: "immediate" });
    for (const id of ids)
      await expect
        .poll(
          () =>
            harness.api.get(id).then(
              (run) => run?.state,
              () => "away",
            ),
          { timeout: 30_000 },
        )
        .toBe("succeeded");
    await prove(harness);
  });
});

describe("a step whose job is gone", () => {
  it("fails, once the reconciler comes by, and its run with it", async () => {
    const undone: string[] = [];
    const workflow = defineWorkflow({
      name: "removed",
      steps: [
        { id: "a", execute: () => 1, compensate: () => void undone.push("a") },
        {
          id: "b",
          retry: { maxAttempts: 5, backoff: "1h" },
          execute: () => Promise.reject(new Error("no")),
        },
      ],
    });
    const harness = await start([workflow], { saga: { reconcileInterval: "50ms" } });
    const { id } = await harness.api.start(workflow, null);
    await expect
      .poll(async () => (await stepStates(harness.api, id))["b"], { timeout: 5_000 })
      .toBe("retrying");
    await harness.sql(
      "update oppulence_worker.saga_steps set started_at = now() - interval '1 minute'",
    );
    await harness.worker.engine.remove(await harness.worker.engine.ids({}));
    await reach(harness.api, id, "compensated");
    expect((await harness.api.get(id))?.failure).toContain("its job is gone");
    expect(undone).toEqual(["a"]);
    await prove(harness);
  });
});

describe("a plugin that takes failed jobs away", () => {
  it("has the job, and the run goes on to compensate", async () => {
    const dlq = definePlugin({
      name: "dlq",
      producers: "enforced-at-run",
      setup: ({ engine }) => ({
        onFailure: {
          run: ({ job, isLastAttempt }) =>
            isLastAttempt
              ? taken(
                  engine
                    .takeInto(
                      { claimed: [{ ...job }] },
                      { sql: "insert into dead select id from taken returning id", values: [] },
                    )
                    .then((rows) => rows.length === 1),
                )
              : undefined,
        },
      }),
    }) as AnyPlugin;
    const undone: string[] = [];
    const workflow = defineWorkflow({
      name: "dead",
      steps: [
        { id: "a", execute: () => 1, compensate: () => void undone.push("a") },
        { id: "b", retry: soon, execute: () => Promise.reject(new Error("no")) },
      ],
    });
    const harness = await start([workflow], { plugins: [dlq] });
    await harness.sql("create table dead (id bigint)");
    const { id } = await harness.api.start(workflow, null);
    await reach(harness.api, id, "compensated");
    expect(undone).toEqual(["a"]);
    expect(await harness.sql("select * from dead")).toHaveLength(1);
    await prove(harness);
  });
});

describe("two workers", () => {
  it("that finish the parents of a join at the same moment run it once", async () => {
    const joined: string[] = [];
    const doors = new Map<string, () => void>();
    const workflow = defineWorkflow({
      name: "join",
      steps: [
        ...["left", "right"].map((id) => ({
          id,
          dependsOn: [],
          execute: ({ idempotencyKey }: { idempotencyKey: string }) =>
            new Promise<void>((resolve) => doors.set(idempotencyKey, resolve)),
        })),
        {
          id: "join",
          dependsOn: ["left", "right"],
          execute: ({ idempotencyKey }: { idempotencyKey: string }) =>
            void joined.push(idempotencyKey),
        },
      ],
    });
    const first = await start([workflow], { worker: { concurrentJobs: 20 } });
    await start([workflow], { database: first.database, worker: { concurrentJobs: 20 } });
    const ids = Array.from({ length: 15 }, (_, n) => `r${n}`);
    await Promise.all(ids.map((id) => first.api.start(workflow, null, { id })));
    await expect.poll(() => doors.size, { timeout: 5_000 }).toBe(30);
    for (const open of doors.values()) open();
    for (const id of ids) await first.api.result(id);
    expect(joined.sort()).toEqual(ids.map((id) => `${id}/join`).sort());
    await prove(first);
  });
});

describe("jobs of a step's task that SQL adds", () => {
  it("change nothing: they are no run's, or not the step's present job", async () => {
    let ran = 0;
    const workflow = defineWorkflow({ name: "sql", steps: [{ id: "a", execute: () => ++ran }] });
    const harness = await start([workflow]);
    const { id } = await harness.api.start(workflow, null);
    await harness.api.result(id);
    await harness.enqueueSql("saga:sql/a", { run: "1", id, hash: workflow.hash });
    await harness.drain();
    expect(ran).toBe(1);
    await harness.enqueueSql("saga:sql/a", { anything: 1 }, { maxAttempts: 1 });
    await harness.drain();
    expect(await harness.sql("select last_error from graphile_worker.jobs")).toMatchObject([
      { last_error: expect.stringContaining("is no job of a run's step a") },
    ]);
  });
});

describe("retention", () => {
  it("deletes runs that finished long ago, with all that is theirs, and never one that is not over", async () => {
    const workflow = defineWorkflow({
      name: "kept",
      steps: [
        {
          id: "a",
          execute: ({ input }) => {
            if (input === "bad") throw new Error("bad");
          },
          retry: { maxAttempts: 1 },
        },
        { id: "go", kind: "signal" },
      ],
    });
    const harness = await start([workflow], {
      saga: { retention: "1h", reconcileInterval: "50ms" },
    });
    await harness.api.start(workflow, "bad", { id: "over" });
    await harness.api.start(workflow, "good", { id: "waits" });
    await reach(harness.api, "over", "failed");
    await expect.poll(async () => (await stepStates(harness.api, "waits"))["go"]).toBe("waiting");
    await harness.sql(`update oppulence_worker.saga_runs set created_at = created_at - interval '2 hours',
      finished_at = finished_at - interval '2 hours'`);
    await expect.poll(() => harness.api.get("over"), { timeout: 5_000 }).toBeUndefined();
    expect(await harness.api.get("waits")).toMatchObject({ state: "running" });
    expect(await harness.sql("select distinct run from oppulence_worker.saga_steps")).toHaveLength(
      1,
    );
    expect(await harness.sql("select distinct run from oppulence_worker.saga_attempts")).toEqual(
      [],
    );
  });
});
