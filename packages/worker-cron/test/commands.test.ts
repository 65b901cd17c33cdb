import { defineTask } from "@oppulence/worker-core";
import { commandLine } from "@oppulence/worker-testing";
import { describe, expect, it } from "vitest";
import { start } from "./start.ts";

const work = defineTask({ identifier: "work", run: () => {} });

/** The commands of a worker with two schedules. */
async function started(says = true) {
  const harness = await start({
    tasks: [work],
    cron: {
      schedules: [
        { key: "a", cron: "30 2 * * *", timezone: "Europe/Berlin", task: work },
        { key: "b", cron: "* * * * *", task: work },
      ],
    },
  });
  return { ...harness, ...commandLine(harness.worker, says) };
}

describe("schedule commands", () => {
  it("list, pause and resume", async () => {
    const { run, printed } = await started();
    expect(await run("schedule list")).toBe(0);
    expect(printed[0]).toMatch(/^a active 30 2 \* \* \* Europe\/Berlin /);
    await run("schedule pause", { args: { key: "a" }, options: { reason: "holidays" } });
    await run("schedule list");
    expect(printed[0]).toMatch(/^a paused .*paused: holidays$/);
    await run("schedule resume", { args: { key: "a" } });
    await run("schedule list");
    expect(printed[0]).toMatch(/^a active /);
  });

  it("plan and next", async () => {
    const { run, printed, sql } = await started();
    await run("schedule plan");
    expect(printed.at(-1)).toBe("0 to change, 2 unchanged");
    await sql("delete from oppulence_worker.cron_schedules where key = 'a'");
    await run("schedule plan");
    expect(printed[0]).toBe("add a: 30 2 * * * in Europe/Berlin");
    expect(printed.some((line) => line.endsWith("clock change"))).toBe(true);
    expect(await run("schedule next", { args: { key: "b" }, options: { count: "3" } })).toBe(0);
    expect(printed.length).toBe(3);
    await expect(run("schedule next", { args: { key: "none" } })).rejects.toThrow("no schedule");
  });

  it("run, history and backfill", async () => {
    const harness = await started();
    const { run, printed } = harness;
    await run("schedule run", { args: { key: "a" }, options: { payload: '{"n":1}' } });
    expect(printed[0]).toMatch(/^added job \d+$/);
    await harness.drain();
    expect(await run("schedule history", { args: { key: "a" } })).toBe(0);
    expect(printed[0]).toContain("a succeeded");
    expect(await run("schedule history", { options: { status: "missed" } })).toBe(3);
    const backfill = { args: { key: "b" }, options: { from: "10m", to: "5m" } };
    await run("schedule backfill", { ...backfill, options: { ...backfill.options, dryRun: true } });
    expect(printed[0]).toBe("5 slots");
    expect(await run("schedule backfill", backfill)).toBe(0);
    expect(printed.at(-1)).toBe("added 5 runs for 5 slots");
  });

  it("refuse values that are wrong", async () => {
    const { run } = await started();
    const key = { args: { key: "a" } };
    await expect(run("schedule next", { ...key, options: { count: "many" } })).rejects.toThrow(
      "--count",
    );
    await expect(run("schedule history", { options: { since: "soon" } })).rejects.toThrow(
      "--since",
    );
    await expect(run("schedule backfill", key)).rejects.toThrow("--from");
    await expect(run("schedule run", { ...key, options: { payload: "{" } })).rejects.toThrow(
      "is not JSON",
    );
  });
});
