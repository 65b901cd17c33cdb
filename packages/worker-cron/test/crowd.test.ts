import { defineTask } from "@oppulence/worker-core";
import { describe, expect, it } from "vitest";
import type { AnySchedule } from "../src/index.ts";
import { SLOT_PROOF } from "./slot-proof.ts";
import { start } from "./start.ts";

const work = defineTask({ identifier: "work", run: () => {} });
const broken = defineTask({
  identifier: "broken",
  run: () => {
    throw new Error("broken");
  },
});
const CROWD = 12;

type Started = Awaited<ReturnType<typeof start>>;

/** More schedules than fire in one transaction; none is due by itself while the test runs. */
async function crowd(rules: Partial<AnySchedule> = {}, count = CROWD): Promise<Started> {
  const schedules = Array.from({ length: count }, (_, n) => ({
    key: `s${n}`,
    cron: "0 0 1 1 *",
    task: work,
    ...rules,
  }));
  return start({
    tasks: [work, broken],
    cron: { schedules, batchSize: 5, pollInterval: "50ms" },
    // What runs in time runs because workers are told.
    worker: { pollInterval: 60_000, concurrentJobs: 5 },
  });
}

/** Has all of them be due at one instant to come. */
async function dueIn(harness: Started, interval: string): Promise<void> {
  await harness.sql(
    "update oppulence_worker.cron_schedules set next_slot = date_trunc('second', now()) + $1::interval",
    [interval],
  );
}

async function count(harness: Started, where: string): Promise<number> {
  const [row] = await harness.sql<{ count: number }>(
    `select count(*)::int as count from oppulence_worker.scheduled_job_events where ${where}`,
  );
  return row?.count ?? 0;
}

const enqueued = (harness: Started) =>
  expect.poll(() => count(harness, "created_at < scheduled_at"), { timeout: 10_000 }).toBe(CROWD);

describe("a crowd of schedules that are due at the same instant", () => {
  it("is enqueued ahead, and runs at its slot, each once", async () => {
    const harness = await crowd();
    await dueIn(harness, "3 seconds");
    await enqueued(harness);
    expect(await count(harness, "status <> 'scheduled'")).toBe(0);
    await expect
      .poll(() => count(harness, "status = 'succeeded'"), { timeout: 10_000 })
      .toBe(CROWD);
    expect(await count(harness, "started_at < scheduled_at")).toBe(0);
    for (const [what, statement] of Object.entries(SLOT_PROOF))
      expect(await harness.sql(statement), what).toEqual([]);
  });

  it("gives back what was enqueued for one that is paused before its slot", async () => {
    const harness = await crowd();
    await dueIn(harness, "4 seconds");
    await enqueued(harness);
    await harness.api.schedules.pause("s3");
    expect(await harness.api.history({ key: "s3" })).toEqual([]);
    expect(await harness.api.schedules.get("s3")).toMatchObject({ state: "paused", runs: 0 });
    await expect
      .poll(() => count(harness, "status = 'succeeded'"), { timeout: 10_000 })
      .toBe(CROWD - 1);
    // A job is deleted after its end is in the ledger.
    await expect.poll(() => harness.worker.engine.ids({}), { timeout: 5_000 }).toEqual([]);
  });

  it("gives back what was enqueued for one that pauses itself before its slot", async () => {
    const harness = await crowd({ task: broken, maxAttempts: 1, pauseAfterFailures: 1 });
    await dueIn(harness, "6 seconds");
    await enqueued(harness);
    await harness.api.schedules.trigger("s3");
    await expect
      .poll(() => count(harness, "job_key = 's3' and scheduled_at > created_at"), {
        timeout: 5_000,
      })
      .toBe(0);
    expect(await harness.api.schedules.get("s3")).toMatchObject({ state: "paused" });
    expect(await count(harness, "status = 'scheduled'")).toBe(CROWD - 1);
  });

  it("gives back what was enqueued for those that a deploy removes, and fires what it changes by the new rule", async () => {
    const harness = await crowd();
    await dueIn(harness, "5 seconds");
    await enqueued(harness);
    const next = await start({
      tasks: [work],
      database: harness.database,
      cron: { schedules: [{ key: "s0", cron: "0 0 2 1 *", task: work }] },
    });
    expect(await next.api.history()).toEqual([]);
    expect((await next.api.schedules.list()).map(({ key, runs }) => [key, runs])).toEqual([
      ["s0", 0],
    ]);
    expect(await next.worker.engine.ids({})).toEqual([]);
  });

  it.each<[string, Partial<AnySchedule>, number]>([
    ["an overlap is to be decided", { overlap: "skip" }, CROWD],
    ["its runs are counted", { maxRuns: 1 }, CROWD],
    ["it is none, but a few", {}, 5],
  ])("is not enqueued ahead where %s", async (_, rules, schedules) => {
    const harness = await crowd(rules, schedules);
    await dueIn(harness, "2 seconds");
    await expect
      .poll(() => count(harness, "status = 'succeeded'"), { timeout: 10_000 })
      .toBe(schedules);
    expect(await count(harness, "created_at < scheduled_at")).toBe(0);
  });
});
