import { definePlugin, defineTask, drop, reject } from "@oppulence/worker-core";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { type AnySchedule, defineSchedule, type ScheduleContext } from "../src/index.ts";
import { start } from "./start.ts";

const work = defineTask({ identifier: "work", run: () => {} });
const later = new Date(Date.now() + 365 * 86_400_000);
/** Not due by itself while a test runs. */
const idle = { cron: "0 0 1 1 *" } as const;

type Started = Awaited<ReturnType<typeof start>>;

/** Has a schedule be due for a while, by its own expression. */
async function dueSince(harness: Started, key: string, interval: string): Promise<void> {
  await harness.sql(
    `update oppulence_worker.cron_schedules set next_slot = date_trunc('minute', now() - $2::interval) where key = $1`,
    [key, interval],
  );
}

/** Counts of the ledger, by status. */
async function counts(harness: Started, key: string): Promise<Record<string, number>> {
  const rows = await harness.sql<{ status: string; count: number }>(
    "select status, count(*)::int as count from oppulence_worker.scheduled_job_events where job_key = $1 group by status",
    [key],
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

const until = (check: () => Promise<boolean>) =>
  vi.waitUntil(check, { timeout: 15_000, interval: 20 });

describe("a schedule", () => {
  it("fires its slots and tells the handler of them", async () => {
    const seen: ScheduleContext[] = [];
    const results: unknown[] = [];
    const schedule = defineSchedule({
      key: "each-second",
      cron: "* * * * * *",
      payloadSchema: z.object({ n: z.number() }),
      buildPayload: ({ scheduledAt }) => ({ n: scheduledAt.getTime() }),
      handler: ({ n }, context) => {
        seen.push(context);
        return n;
      },
      onSuccess: (n) => results.push(n),
    });
    const harness = await start({ cron: { schedules: [schedule] } });
    await until(async () => ((await counts(harness, "each-second"))["succeeded"] ?? 0) >= 2);
    const [first, second] = seen as [ScheduleContext, ScheduleContext];
    expect(second.previous).toEqual(first.scheduledAt);
    expect(results.slice(0, 2)).toEqual([
      first.scheduledAt.getTime(),
      second.scheduledAt.getTime(),
    ]);
    expect(first.logger.info).toBeTypeOf("function");
    const events = await harness.api.history({ key: "each-second", status: "succeeded" });
    expect(events.map(({ correlationId }) => correlationId)).toContain(first.correlationId);
    expect(first.correlationId).toMatch(/^[0-9a-f]{8}-[0-9a-z]+$/);
    expect(events.at(-1)).toMatchObject({ attempts: 1, source: "slot", error: undefined });
    expect(harness.logs.map(({ message }) => message).join("\n")).toContain(
      `schedules (${first.correlationId.split("-")[0]}): added each-second`,
    );
  });

  it.each([
    ["once", 1],
    ["all", 100],
    ["skip", 0],
  ] as const)(
    "by the minute with misfire %s has %i jobs after three days",
    async (misfire, jobs) => {
      const harness = await start({ tasks: [work] });
      await harness.api.schedules.create({ key: "m", cron: "* * * * *", task: work, misfire });
      await dueSince(harness, "m", "3 days 1 minute");
      const total = 3 * 1_440 + 2;
      await until(async () => {
        const found = await counts(harness, "m");
        return Object.values(found).reduce((sum, count) => sum + count, 0) >= total;
      });
      const found = await counts(harness, "m");
      const { missed = 0, ...ran } = found;
      const runs = Object.values(ran).reduce((sum, count) => sum + count, 0);
      const [row] = await harness.sql<{ slots: number }>(
        "select (extract(epoch from max(scheduled_at) - min(scheduled_at)) / 60 + 1)::int as slots from oppulence_worker.scheduled_job_events",
      );
      const slots = row?.slots ?? 0;
      expect(missed + runs).toBe(slots);
      // A minute may have begun meanwhile: its slot has misfired with the others, or fires by itself.
      expect(runs - jobs).toBeGreaterThanOrEqual(0);
      expect(runs - jobs).toBeLessThanOrEqual(slots - total);
    },
  );

  it("records a failure, tries again, and pauses after too many in a row", async () => {
    const schedule: AnySchedule = {
      ...idle,
      key: "fails",
      maxAttempts: 1,
      pauseAfterFailures: 2,
      handler: () => {
        throw new Error("no luck");
      },
    };
    const harness = await start({ cron: { schedules: [schedule] } });
    for (const _ of [1, 2]) {
      const { jobId } = await harness.api.schedules.trigger("fails");
      await harness.waitFor(jobId, "failed");
    }
    expect(await counts(harness, "fails")).toEqual({ failed: 2 });
    const [event] = await harness.api.history({ key: "fails" });
    expect(event).toMatchObject({ status: "failed", error: "no luck", source: "trigger" });
    expect(await harness.api.schedules.get("fails")).toMatchObject({
      state: "paused",
      failures: 2,
      pausedReason: "2 runs in a row failed",
    });
    await harness.api.schedules.resume("fails");
    expect(await harness.api.schedules.get("fails")).toMatchObject({
      state: "active",
      failures: 0,
    });
  });

  it("whose buildPayload throws, hangs or is wrong fails its slot, and no other's", async () => {
    const never = Promise.withResolvers<never>().promise;
    const make = (key: string, buildPayload: () => unknown): AnySchedule => ({
      ...idle,
      key,
      payloadSchema: z.object({ n: z.number() }),
      buildPayload,
      handler: () => {},
    });
    const harness = await start({
      cron: {
        buildTimeout: "50ms",
        schedules: [
          make("throws", () => {
            throw new Error("no payload");
          }),
          make("hangs", () => never),
          make("wrong", () => ({ n: "1" })),
          make("right", async () => ({ n: 1 })),
        ],
      },
    });
    await harness.sql(
      "update oppulence_worker.cron_schedules set next_slot = date_trunc('second', now())",
    );
    await until(async () => (await counts(harness, "right"))["succeeded"] === 1);
    const events = await harness.api.history();
    const errors = Object.fromEntries(
      events.map(({ key, status, error }) => [key, `${status} ${error}`]),
    );
    expect(errors["throws"]).toBe("failed no payload");
    expect(errors["hangs"]).toContain("did not settle within 50 ms");
    expect(errors["wrong"]).toContain("buildPayload: n: ");
  });

  it("whose job another plugin keeps out is skipped or failed, and says why", async () => {
    const bouncer = definePlugin({
      name: "bouncer",
      producers: "not-covered",
      setup: () => ({
        beforeEnqueue: {
          phase: "admit",
          onError: "closed",
          run: ({ spec }) => {
            if (spec.labels["cron.key"] === "dropped")
              return drop({ code: "FULL", message: "full house" });
            if (spec.labels["cron.key"] === "rejected")
              return reject({ code: "NO", message: "not today" });
            return undefined;
          },
        },
      }),
    });
    const schedules = ["dropped", "rejected", "let-in"].map((key) => ({
      ...idle,
      key,
      task: work,
    }));
    const harness = await start({ tasks: [work], plugins: [bouncer], cron: { schedules } });
    await harness.sql(
      "update oppulence_worker.cron_schedules set next_slot = date_trunc('second', now())",
    );
    await until(async () => (await counts(harness, "let-in"))["succeeded"] === 1);
    expect(await counts(harness, "dropped")).toEqual({ skipped: 1 });
    expect(await counts(harness, "rejected")).toEqual({ failed: 1 });
    const errors = (await harness.api.history()).map(({ error }) => error);
    expect(errors).toContain("bouncer: full house");
    expect(errors.join()).toContain("not today");
  });

  it("whose handler hangs fails its attempt once its time is up", async () => {
    const reasons: unknown[] = [];
    const schedule: AnySchedule = {
      ...idle,
      key: "hangs",
      timeout: "20ms",
      maxAttempts: 1,
      handler: (_, { signal }) =>
        new Promise(() => signal.addEventListener("abort", () => reasons.push(signal.reason))),
    };
    const harness = await start({ cron: { schedules: [schedule] } });
    const { jobId } = await harness.api.schedules.trigger("hangs");
    await harness.waitFor(jobId, "failed");
    expect(reasons).toEqual([expect.objectContaining({ code: "SCHEDULE_TIMEOUT", timeoutMs: 20 })]);
    const [event] = await harness.api.history({ key: "hangs" });
    expect(event?.error).toContain("its handler did not settle within 20 ms");
  });

  it("whose handler returns what is no JSON, or whose onSuccess throws, has succeeded", async () => {
    const schedule: AnySchedule = {
      ...idle,
      key: "odd",
      handler: () => ({ big: 1n, call: () => {} }),
      onSuccess: () => {
        throw new Error("nobody cares");
      },
    };
    const harness = await start({ cron: { schedules: [schedule] } });
    const { jobId } = await harness.api.schedules.trigger("odd");
    await harness.waitFor(jobId, "succeeded");
    expect(await counts(harness, "odd")).toEqual({ succeeded: 1 });
    expect(harness.logs.map(({ message }) => message)).toContain("onSuccess failed: nobody cares");
  });

  it("ends when its runs are used up", async () => {
    const harness = await start({ tasks: [work] });
    await harness.api.schedules.create({ key: "two", cron: "* * * * * *", task: work, maxRuns: 2 });
    await until(async () => (await harness.api.schedules.get("two"))?.state === "ended");
    await harness.drain();
    expect(await counts(harness, "two")).toEqual({ succeeded: 2 });
  });
});

describe("overlap", () => {
  async function gated(overlap: "allow" | "skip" | "bufferOne") {
    const gate = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const slow = defineTask({
      identifier: "slow",
      run: async () => {
        running += 1;
        most = Math.max(most, running);
        await gate.promise;
        running -= 1;
      },
    });
    const harness = await start({ tasks: [slow], worker: { concurrentJobs: 10 } });
    await harness.api.schedules.create({ key: "o", cron: "* * * * * *", task: slow, overlap });
    return { harness, gate, most: () => most, running: () => running };
  }

  it("skip leaves slots out while one runs", async () => {
    const { harness, gate, most } = await gated("skip");
    await until(async () => ((await counts(harness, "o"))["skipped"] ?? 0) >= 2);
    expect((await counts(harness, "o"))["started"]).toBe(1);
    gate.resolve();
    await until(async () => ((await counts(harness, "o"))["succeeded"] ?? 0) >= 2);
    expect(most()).toBe(1);
    const [event] = await harness.api.history({ status: "skipped" });
    expect(event?.error).toMatch(/^job \d+ of an earlier slot still (runs|waits)$/);
  });

  it("bufferOne has one wait", async () => {
    const { harness, gate, most } = await gated("bufferOne");
    await until(async () => ((await counts(harness, "o"))["skipped"] ?? 0) >= 2);
    expect(await counts(harness, "o")).toMatchObject({ started: 1, scheduled: 1 });
    gate.resolve();
    await until(async () => ((await counts(harness, "o"))["succeeded"] ?? 0) >= 2);
    expect(most()).toBe(1);
  });

  it("cancelRunning ends the one that runs, through the plugin that can", async () => {
    const canceller = definePlugin({
      name: "retry",
      producers: "not-covered",
      setup: (host) => ({
        api: {
          cancel: async (ids: readonly string[], reason: string) => {
            for (const run of host.running())
              if (ids.includes(run.job.id)) run.abort(new Error(reason));
            return ids;
          },
        },
      }),
    });
    const schedule: AnySchedule = {
      key: "c",
      cron: "* * * * * *",
      overlap: "cancelRunning",
      maxAttempts: 1,
      handler: (_, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason)),
        ),
    };
    const harness = await start({
      cron: { schedules: [schedule] },
      plugins: [canceller],
      worker: { concurrentJobs: 5 },
    });
    await until(async () => ((await counts(harness, "c"))["failed"] ?? 0) >= 2);
    const [event] = await harness.api.history({ status: "failed" });
    expect(event?.error).toBe("the next slot of schedule c is due");
  });

  it("allow runs both", async () => {
    const { gate, running } = await gated("allow");
    await until(async () => running() >= 2);
    gate.resolve();
  });
});

describe("many processes", () => {
  it("fire each slot once", async () => {
    const schedules = Array.from({ length: 20 }, (_, n) => ({
      key: `s${n}`,
      cron: "* * * * * *",
      task: work,
    }));
    const first = await start({ tasks: [work], cron: { schedules } });
    await start({ tasks: [work], cron: { schedules }, database: first.database });
    await start({ tasks: [work], cron: { schedules }, database: first.database });
    await until(async () => {
      const [row] = await first.sql<{ least: number }>(
        "select min(count)::int as least from (select count(*) from oppulence_worker.scheduled_job_events group by job_key) as counts",
      );
      return (row?.least ?? 0) >= 4;
    });
    const wrong = await first.sql(
      `select job_key, scheduled_at - lag(scheduled_at) over (partition by job_key order by scheduled_at) as gap
from oppulence_worker.scheduled_job_events`,
    );
    const gaps = wrong.flatMap(({ gap }) => (gap === null ? [] : JSON.stringify(gap)));
    expect(new Set(gaps)).toEqual(new Set(['{"seconds":1}']));
  });
});

describe("processes of two versions", () => {
  it("leave a schedule to those that have it, and lose no slot", async () => {
    const newer: AnySchedule = { key: "newer", cron: "* * * * * *", handler: () => {} };
    const old = await start({ tasks: [work] });
    const next = await start({ cron: { schedules: [newer] }, database: old.database });
    await until(async () => ((await counts(next, "newer"))["succeeded"] ?? 0) >= 3);
    await until(async () =>
      old.logs.some(({ message }) =>
        message.includes("newer (task schedule:newer) is left to other"),
      ),
    );
    expect(
      Object.keys(await counts(next, "newer"))
        .sort()
        .join(),
    ).not.toMatch(/failed|missed/);
  });
});

describe("scheduleOnce", () => {
  const schedule = defineSchedule({
    ...idle,
    key: "once",
    payloadSchema: z.object({ n: z.number() }),
    payload: { n: 0 },
    handler: ({ n }) => n,
  });

  it("adds a run, in the caller's transaction if given", async () => {
    const harness = await start({ cron: { schedules: [schedule] } });
    const added = await harness.api.scheduleOnce(schedule, { n: 1 });
    if (added.status !== "added") throw new Error("not added");
    await harness.waitFor(added, "succeeded");
    const rolledBack = harness.worker.transaction(async (query) => {
      await harness.api.scheduleOnce(schedule, { n: 2 }, { runAt: later, client: query });
      throw new Error("roll back");
    });
    await expect(rolledBack).rejects.toThrow("roll back");
    expect(await harness.worker.engine.ids({})).toEqual([]);
  });

  it("refuses what is past, too far ahead, no date, or against the schema", async () => {
    const harness = await start({ cron: { schedules: [schedule] } });
    const once = (runAt: Date, payload: unknown = { n: 1 }) =>
      harness.api.scheduleOnce(schedule, payload as { n: number }, { runAt });
    await expect(once(new Date("2020-01-01"))).rejects.toThrow("which is past");
    await expect(once(new Date("9999-01-01"))).rejects.toThrow("more than ten years ahead");
    await expect(once(new Date(Number.NaN))).rejects.toThrow("got no valid Date");
    await expect(once(later, { n: "1" })).rejects.toThrow("payload: n: ");
  });
});
