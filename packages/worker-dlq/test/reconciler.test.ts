import { defineTask } from "@oppulence/worker-core";
import { createHarness } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { dlq } from "../src/index.ts";
import { Reconciler } from "../src/reconciler.ts";
import { queued, start } from "./start.ts";

const idle = defineTask({ identifier: "idle", run: () => {} });
const off = defineTask({ identifier: "off", dlq: false, run: () => {} });
const later = () => new Date(Date.now() + 3_600_000);
const failAll =
  "select graphile_worker.permanently_fail_jobs(array(select id from graphile_worker.jobs), $1)";

describe("the reconciler", () => {
  it("moves jobs that were failed before the plugin was installed, by itself", async () => {
    const before = await createHarness({
      tasks: [
        defineTask({
          identifier: "old",
          run: () => {
            throw new Error("long ago");
          },
        }),
      ],
    });
    onTestFinished(() => before.stop());
    const added = await before.enqueue("old", { n: 1 }, { maxAttempts: 1 });
    await before.waitFor(added, "failed");
    const after = await createHarness({
      database: before.database,
      tasks: [idle],
      plugins: [dlq({ reconcileInterval: "20ms" })],
    });
    onTestFinished(() => after.stop());
    const { list } = after.worker.plugins.dlq;
    await vi.waitUntil(
      async () => (await list.call(after.worker.plugins.dlq)).entries.length === 1,
      10_000,
    );
    const { entries } = await after.worker.plugins.dlq.list();
    expect(entries[0]).toMatchObject({
      task: "old",
      payload: { n: 1 },
      reason: "attempts_exhausted",
      error: { name: undefined, message: "long ago" },
      worker: undefined,
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(await queued(after)).toEqual([]);
  });

  it("moves what permanently_fail_jobs failed, and jobs that never got to say why", async () => {
    const harness = await start([idle]);
    await harness.worker.addJobs([1, 2].map((n) => ({ task: idle, payload: n, runAt: later() })));
    await harness.sql(failAll, [null]);
    expect(await harness.api.reconcile()).toBe(2);
    expect(await harness.api.reconcile()).toBe(0);
    const { entries } = await harness.api.list();
    expect(entries.map(({ reason }) => reason)).toEqual([
      "permanently_failed",
      "permanently_failed",
    ]);
    expect(entries[0]?.error.message).toBe("Manually marked as failed");
  });

  it("takes the reason from the note that a plugin's decision left", async () => {
    const harness = await start([idle]);
    const added = await harness.enqueue(idle, {}, { runAt: later() });
    await harness.sql(
      "insert into oppulence_worker.core_notes (job_id, plugin, code, message, kind) values ($1, 'retry', 'NOT_RETRYABLE', 'no use', 'exhausted')",
      [added.status === "added" ? added.id : ""],
    );
    await harness.sql(failAll, ["boom"]);
    await harness.api.reconcile();
    const { entries } = await harness.api.list();
    expect(entries[0]).toMatchObject({ reason: "not_retryable", error: { message: "boom" } });
  });

  it("leaves waiting jobs, and failed jobs of tasks whose policy is off", async () => {
    const harness = await start([idle, off]);
    await harness.enqueue(off, {}, { runAt: later() });
    await harness.enqueue(idle, {}, { runAt: later() });
    await harness.sql(failAll, ["boom"]);
    await harness.enqueue(idle, {}, { runAt: later() });
    expect(await harness.api.reconcile()).toBe(1);
    expect((await queued(harness)).map(({ task, attempts }) => `${task} ${attempts}`)).toEqual([
      "off 25",
      "idle 0",
    ]);
  });

  it("moves jobs of unknown tasks unless it is told not to", async () => {
    const harness = await start([idle], { dlq: { unknownTasks: false } });
    await harness.enqueueSql("unknown");
    await harness.sql(failAll, ["boom"]);
    expect(await harness.api.reconcile()).toBe(0);
    const other = await start([idle], { database: harness.database });
    expect(await other.api.reconcile()).toBe(1);
  });

  it("moves each job once, in four workers at the same time", async () => {
    const first = await start([idle]);
    const others = await Promise.all(
      [2, 3, 4].map(() => start([idle], { database: first.database, poolSize: 3 })),
    );
    await first.worker.addJobs(
      Array.from({ length: 700 }, (_, n) => ({ task: idle, payload: n, runAt: later() })),
    );
    await first.sql(failAll, ["boom"]);
    const moved = await Promise.all([first, ...others].map(({ api }) => api.reconcile()));
    expect(moved.reduce((sum, count) => sum + count, 0)).toBe(700);
    expect((await first.api.stats()).total).toBe(700);
    expect(await queued(first)).toEqual([]);
  });

  it("looks at a bounded part of the queue each turn, and goes on from there", async () => {
    const asked: string[] = [];
    const reconciler = new Reconciler({
      engine: {
        failed: async (after) => {
          asked.push(after);
          return { ids: [], next: String(Number(after) + 1) };
        },
        ids: async () => [],
      },
      tasks: new Map(),
      policies: { fallback: { enabled: true }, moves: () => true } as never,
      mover: { moveFailed: async () => 0 },
      unknownTasks: true,
    });
    await reconciler.turn(new AbortController().signal);
    expect(asked).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    await reconciler.turn(new AbortController().signal);
    expect(asked[10]).toBe("10");
  });

  it("moves jobs that a hook could not move first, and gives up on those that are gone", async () => {
    const moved: (readonly string[])[] = [];
    const reconciler = new Reconciler({
      engine: { failed: async () => ({ ids: [], next: "0" }), ids: async () => [] },
      tasks: new Map(),
      policies: { fallback: { enabled: true }, moves: () => true } as never,
      mover: { moveFailed: async (ids) => moved.push(ids) },
      unknownTasks: true,
    });
    reconciler.missed(["7", "8"]);
    for (let turn = 0; turn < 10; turn++) await reconciler.turn(new AbortController().signal);
    expect(moved).toHaveLength(6);
    expect(moved[0]).toEqual(["7", "8"]);
  });
});
