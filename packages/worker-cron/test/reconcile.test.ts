import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineTask } from "@oppulence/worker-core";
import { describe, expect, it, onTestFinished } from "vitest";
import type { AnySchedule, CronOptions } from "../src/index.ts";
import { start } from "./start.ts";

const work = defineTask({ identifier: "work", run: () => {} });
const one = (key: string, rest: Partial<AnySchedule> = {}): AnySchedule => ({
  key,
  cron: "0 3 * * *",
  task: work,
  ...rest,
});

type Started = Awaited<ReturnType<typeof start>>;
const deploy = (schedules: readonly AnySchedule[], on?: Started, options: CronOptions = {}) =>
  start({
    tasks: [work],
    cron: { schedules, ...options },
    ...(on === undefined ? {} : { database: on.database }),
  });
const crons = async (harness: Started) =>
  Object.fromEntries((await harness.api.schedules.list()).map(({ key, cron }) => [key, cron]));

describe("a deploy", () => {
  it("adds, changes and removes schedules of the code, and leaves those made at run time", async () => {
    const first = await deploy([one("a"), one("b"), one("c")]);
    await first.api.schedules.create({ key: "tenant", cron: "@hourly", task: work });
    await first.api.schedules.pause("a", "holidays");
    const before = await first.api.schedules.get("a");
    const second = await deploy(
      [one("a", { priority: 3 }), one("b", { cron: "0 4 * * *" })],
      first,
    );
    expect(await crons(second)).toEqual({ a: "0 3 * * *", b: "0 4 * * *", tenant: "@hourly" });
    expect(await second.api.schedules.get("a")).toMatchObject({
      state: "paused",
      pausedReason: "holidays",
      settings: { priority: 3 },
    });
    expect(before?.settings.priority).toBeUndefined();
    expect((await second.api.reconcile()).changed).toEqual([]);
  });

  it("is not undone by an older process that starts again", async () => {
    const old = await deploy([one("a"), one("gone")]);
    const next = await deploy([one("a", { cron: "0 5 * * *" })], old);
    const again = await deploy([one("a"), one("gone")], old);
    expect(await crons(again)).toEqual({ a: "0 5 * * *" });
    expect((await again.api.reconcile()).applied).toBe(false);
    expect((await next.api.reconcile()).applied).toBe(true);
  });

  it("is rolled back once the newer processes are gone", async () => {
    const old = await deploy([one("a")]);
    const next = await deploy([one("a", { cron: "0 5 * * *" })], old);
    await next.worker.stop();
    await old.sql(
      "update oppulence_worker.cron_registries set seen_at = seen_at - interval '2 minutes' where generation = (select max(generation) from oppulence_worker.cron_registries)",
    );
    const report = await old.api.reconcile();
    expect(report).toMatchObject({ applied: true, changed: ["a"] });
    expect(await crons(old)).toEqual({ a: "0 3 * * *" });
  });

  it("with a higher version wins, whoever comes last", async () => {
    const high = await deploy([one("a", { cron: "0 5 * * *" })], undefined, { version: 7 });
    const low = await deploy([one("a")], high, { version: 6 });
    expect(await crons(low)).toEqual({ a: "0 5 * * *" });
  });

  it("by several processes at once ends as one of them", async () => {
    const first = await deploy([]);
    const set = (n: number) =>
      Array.from({ length: 20 }, (_, i) => one(`k${i}`, { priority: n % 2 }));
    await Promise.all(Array.from({ length: 4 }, (_, n) => deploy(set(n), first)));
    const found = await first.api.schedules.list();
    expect(found).toHaveLength(20);
    expect(new Set(found.map(({ settings }) => settings.priority)).size).toBe(1);
  });

  it("leaves a schedule made at run time that has its key, and says so", async () => {
    const first = await deploy([]);
    await first.api.schedules.create({ key: "a", cron: "@hourly", task: work });
    const second = await deploy([one("a")], first);
    expect(await crons(second)).toEqual({ a: "@hourly" });
    expect(second.logs.map(({ message }) => message).join()).toContain(
      "made at run time has its key",
    );
    expect((await second.worker.health()).status).toBe("degraded");
  });
});

describe("a change of the overlay while the process runs", () => {
  const key = (rules: string) => `plugins:\n  cron:\n    schedules:\n      a:\n${rules}`;

  it("is applied at once, also back to what it was, and refused where it is wrong", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cron-overlay-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "worker.yaml");
    const write = async (text: string) => {
      await writeFile(`${file}.tmp`, text);
      await rename(`${file}.tmp`, file);
    };
    await write(key('        cron: "0 2 * * *"\n'));
    const harness = await start({
      tasks: [work],
      cron: { schedules: [one("a"), one("b")] },
      config: { file, env: {} },
    });
    const shows = async (expected: object) =>
      expect
        .poll(() => harness.api.schedules.get("a"), { timeout: 10_000 })
        .toMatchObject(expected);
    await shows({ cron: "0 2 * * *" });
    await write(key('        cron: "0 6 * * *"\n        enabled: false\n'));
    await shows({ cron: "0 6 * * *", state: "disabled" });
    await write(key('        cron: "nonsense"\n'));
    await expect
      .poll(() => harness.logs.map(({ message }) => message).join(), { timeout: 10_000 })
      .toContain('schedule "a": cron: ');
    await shows({ cron: "0 6 * * *", state: "disabled" });
    await write(key('        timezone: "Europe/Berlin"\n        payload: { n: 1 }\n'));
    await shows({ cron: "0 3 * * *", timezone: "Europe/Berlin", payload: { n: 1 } });
    await write("plugins: {}\n");
    await shows({ cron: "0 3 * * *", timezone: "UTC", state: "active" });
  });
});

describe("drift", () => {
  it("is healed: rows edited, disabled or deleted by hand", async () => {
    const harness = await start({
      tasks: [work],
      cron: { schedules: [one("a"), one("b"), one("c")], driftInterval: "30ms" },
    });
    await harness.api.schedules.create({ key: "tenant", cron: "@hourly", task: work });
    await harness.sql(
      "update oppulence_worker.cron_schedules set cron = '0 9 * * *' where key in ('a', 'tenant')",
    );
    await harness.sql("update oppulence_worker.cron_schedules set enabled = false where key = 'b'");
    await harness.sql("delete from oppulence_worker.cron_schedules where key = 'c'");
    await expect
      .poll(() => crons(harness), { timeout: 10_000 })
      .toEqual({
        a: "0 3 * * *",
        b: "0 3 * * *",
        c: "0 3 * * *",
        tenant: "0 9 * * *",
      });
    await expect
      .poll(async () => (await harness.api.schedules.get("b"))?.state, { timeout: 10_000 })
      .toBe("active");
    expect(harness.logs.map(({ message }) => message).join()).toContain("by hand");
  });

  it("ends runs whose job is gone", async () => {
    const harness = await start({
      tasks: [work],
      cron: { schedules: [one("a")], driftInterval: "30ms" },
    });
    await harness.sql(
      `insert into oppulence_worker.scheduled_job_events (job_key, scheduled_at, status, job_id, created_at)
values ('a', now(), 'started', 12345, now() - interval '1 minute')`,
    );
    await expect
      .poll(async () => (await harness.api.history({ key: "a" }))[0], { timeout: 10_000 })
      .toMatchObject({ status: "failed", error: "its job is gone, and nobody told how it ended" });
  });
});

describe("plan", () => {
  it("says what a deploy would do, with fires around the next clock change", async () => {
    const first = await deploy([one("same"), one("changed"), one("gone")]);
    const client = await start({
      tasks: [work],
      start: false,
      database: first.database,
      cron: {
        schedules: [
          one("same"),
          one("changed", { cron: "30 2 * * *", timezone: "Europe/Berlin" }),
          one("new"),
        ],
      },
    });
    const plan = await client.client.plugins.cron.plan();
    expect(plan.unchanged).toBe(1);
    expect(plan.schedules.map(({ key, action, fields }) => [key, action, fields])).toEqual([
      ["new", "add", []],
      ["changed", "change", ["cron", "timezone"]],
      ["gone", "remove", []],
    ]);
    const fires = plan.schedules[1]?.fires ?? [];
    expect(fires.length).toBeGreaterThanOrEqual(10);
    expect(fires.filter(({ clockChange }) => clockChange).length).toBeGreaterThanOrEqual(2);
    expect(await crons(first)).toEqual({
      same: "0 3 * * *",
      changed: "0 3 * * *",
      gone: "0 3 * * *",
    });
  });
});

describe("schedules made at run time", () => {
  it("are made, changed, run and deleted; those of the code are not", async () => {
    const harness = await deploy([one("code")]);
    const { schedules } = harness.api;
    await schedules.create({ key: "t", cron: "@daily", task: "work", payload: [1], jitter: "1m" });
    await expect(schedules.create({ key: "t", cron: "@daily", task: "work" })).rejects.toThrow(
      "a schedule has it already",
    );
    const changed = await schedules.update("t", { cron: "@hourly", priority: 2 });
    expect(changed).toMatchObject({
      cron: "@hourly",
      payload: [1],
      settings: { jitterMs: 60_000, priority: 2 },
    });
    const { jobId } = await schedules.trigger("t", { payload: { n: 1 } });
    await harness.waitFor(jobId, "succeeded");
    await schedules.delete("t");
    expect(await schedules.get("t")).toBeUndefined();
    await expect(schedules.delete("t")).rejects.toThrow("no schedule has the key");
    await expect(schedules.update("code", {})).rejects.toThrow("it is the code's");
    await expect(schedules.pause("cod")).rejects.toThrow('did you mean "code"?');
  });

  it.each([
    [{ cron: "nonsense" }, "cron: "],
    [{ task: "wrok" }, 'did you mean "work"?'],
    [{ timezone: "Mars" }, "timezone: "],
    [{ corn: "@daily" }, 'did you mean "cron"?'],
  ])("are refused with %j", async (change, message) => {
    const harness = await deploy([]);
    const input = { key: "t", cron: "@daily", task: "work", ...change };
    await expect(harness.api.schedules.create(input)).rejects.toThrow(message);
  });
});

describe("backfill", () => {
  it("runs slots that have no run, once", async () => {
    const harness = await deploy([one("a", { cron: "* * * * *" })]);
    const to = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 60_000);
    const from = new Date(to.getTime() - 9 * 60_000);
    expect(await harness.api.backfill("a", { from, to, dryRun: true })).toEqual({
      slots: 10,
      added: 0,
    });
    expect(await harness.api.backfill("a", { from, to })).toEqual({ slots: 10, added: 10 });
    expect(await harness.api.backfill("a", { from, to })).toEqual({ slots: 10, added: 0 });
    await harness.drain();
    const events = await harness.api.history({
      key: "a",
      since: from,
      until: new Date(to.getTime() + 1),
    });
    expect(events.map(({ status, source }) => `${status} ${source}`)).toEqual(
      Array.from({ length: 10 }, () => "succeeded backfill"),
    );
  });
});
