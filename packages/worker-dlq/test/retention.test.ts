import { defineTask } from "@oppulence/worker-core";
import { createFakeClock } from "@oppulence/worker-testing";
import { describe, expect, it, vi } from "vitest";
import type { DeadLetter, DlqPolicy } from "../src/index.ts";
import { fillDeadLetters } from "./fill-dead-letters.ts";
import { start } from "./start.ts";

/** A task `task_0` with a policy, and `count` dead letters, the newest of this second, a second apart. */
async function withPolicy(policy: DlqPolicy, count: number, tasks = 1) {
  const task = defineTask({ identifier: "task_0", dlq: policy, run: () => {} });
  const harness = await start([task]);
  await fillDeadLetters(harness.sql, count, { tasks });
  return harness;
}

const left = async ({ api }: Awaited<ReturnType<typeof withPolicy>>) =>
  (await api.list({ limit: 1_000 })).entries.map(({ id }) => Number(id)).reverse();

describe("retention", () => {
  it("deletes what is older than its ttl, of its task alone", async () => {
    const harness = await withPolicy({ retention: { ttl: "1h" } }, 6, 2);
    await harness.sql(
      "update oppulence_worker.graphile_worker_dlq set dead_at = now() - interval '2 hours' where id <= 4",
    );
    expect(await harness.api.sweep()).toBe(2);
    expect(await left(harness)).toEqual([1, 3, 5, 6]);
    expect(await harness.api.sweep()).toBe(0);
  });

  it("deletes the oldest above its cap", async () => {
    const harness = await withPolicy({ retention: { cap: 3 } }, 1_234);
    expect(await harness.api.sweep()).toBe(1_231);
    expect(await left(harness)).toEqual([1_232, 1_233, 1_234]);
  });

  it("deletes nothing without a policy", async () => {
    const harness = await withPolicy({}, 3);
    expect(await harness.api.sweep()).toBe(0);
  });

  it("is applied by the worker itself", async () => {
    const task = defineTask({ identifier: "task_0", run: () => {} });
    const harness = await start([task], {
      dlq: { reconcileInterval: "20ms", retention: { cap: 1 } },
    });
    await fillDeadLetters(harness.sql, 5, { tasks: 1 });
    await vi.waitUntil(async () => (await harness.api.stats()).total === 1, 10_000);
  });
});

describe("the archive hook", () => {
  it("gets what is to go, by a hundred, before it goes", async () => {
    const archived: (readonly DeadLetter[])[] = [];
    const archive = (entries: readonly DeadLetter[]) => void archived.push(entries);
    const harness = await withPolicy({ retention: { cap: 10 }, archive }, 260);
    expect(await harness.api.sweep()).toBe(250);
    expect(archived.map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(archived[0]?.[0]).toMatchObject({ id: "1", task: "task_0", payload: { n: 1 } });
    await harness.api.discard({ ids: ["251"] });
    await harness.api.clear({ task: "task_0" });
    expect(archived.flat()).toHaveLength(260);
  });

  it("keeps the rows by failing, and the others go", async () => {
    const archive = (entries: readonly DeadLetter[]) => {
      if (entries.length > 1) throw new Error("the bucket is gone");
    };
    const harness = await withPolicy({ archive }, 4, 2);
    expect(await harness.api.clear()).toEqual({ matched: 4, discarded: 2, kept: 2, dryRun: false });
    expect(await left(harness)).toEqual([2, 4]);
    expect(harness.logs.map(({ message }) => message)).toContainEqual(
      "the archive hook failed for 2 dead letters of task task_0, which are kept: the bucket is gone",
    );
  });

  it("keeps the rows by hanging, for as long as it may", async () => {
    const clock = createFakeClock();
    const called = Promise.withResolvers<AbortSignal>();
    const task = defineTask({
      identifier: "task_0",
      dlq: {
        archive: (_, { signal }) => {
          called.resolve(signal);
          return new Promise(() => {});
        },
      },
      run: () => {},
    });
    const harness = await start([task], { clock });
    await fillDeadLetters(harness.sql, 2, { tasks: 1 });
    const cleared = harness.api.clear();
    const signal = await called.promise;
    await clock.advance("30s");
    expect(await cleared).toMatchObject({ discarded: 0, kept: 2 });
    expect(signal.reason).toMatchObject({ code: "DLQ_TIMEOUT" });
    expect(await left(harness)).toEqual([1, 2]);
  });

  it("does not hold up a stop by hanging", async () => {
    const called = Promise.withResolvers<void>();
    const task = defineTask({
      identifier: "task_0",
      dlq: {
        retention: { cap: 0 },
        archive: () => {
          called.resolve();
          return new Promise(() => {});
        },
      },
      run: () => {},
    });
    const harness = await start([task], { dlq: { reconcileInterval: "10ms" } });
    await fillDeadLetters(harness.sql, 1, { tasks: 1 });
    await called.promise;
    const started = performance.now();
    await harness.worker.stop();
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe("discard", () => {
  it("deletes what is meant, and only counts in a dry run", async () => {
    const harness = await withPolicy({}, 6, 2);
    const deleted: string[] = [];
    harness.worker.events.on("dlq:deleted", ({ ids }) => void deleted.push(...ids));
    const selection = { filter: { task: "task_1" } };
    expect(await harness.api.discard({ ...selection, dryRun: true })).toEqual({
      matched: 3,
      discarded: 3,
      kept: 0,
      dryRun: true,
    });
    expect(await left(harness)).toHaveLength(6);
    expect(await harness.api.discard(selection)).toMatchObject({ matched: 3, discarded: 3 });
    expect(await left(harness)).toEqual([2, 4, 6]);
    expect(deleted).toEqual(["1", "3", "5"]);
    await expect(harness.api.discard({})).rejects.toThrow("needs at least one of ids");
  });

  it("clears a table of several pages", async () => {
    const harness = await withPolicy({}, 2_500, 3);
    const seen: number[] = [];
    await harness.api.clear({ onProgress: (done) => seen.push(done) });
    expect(seen).toEqual([1_000, 2_000, 2_500]);
    expect(await left(harness)).toEqual([]);
  });
});
