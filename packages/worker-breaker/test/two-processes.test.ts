import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineTask } from "@oppulence/worker-core";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { BreakerApi } from "../src/index.ts";
import { start } from "./start.ts";

const boom = () => Promise.reject(new Error("boom"));
const succeed = async (api: BreakerApi, times: number) => {
  for (let n = 0; n < times; n++) await api.run("crm", () => 1);
};
const fail = (api: BreakerApi, times: number) =>
  Promise.all(Array.from({ length: times }, () => api.run("crm", boom).catch(() => {})));

describe("a circuit that two processes share", () => {
  const breaker = {
    dependencies: { crm: { failureThreshold: { rate: 0.5, minimumCalls: 10 } } },
  };

  it("does not open by the rate of one process while calls of the other succeed", async () => {
    const one = await start([], { breaker });
    const other = await start([], { breaker, database: one.database });
    await succeed(other.api, 40);
    await fail(one.api, 10);
    // It waits until the other one has told of its calls.
    expect(await one.api.run("crm", () => 1)).toBe(1);
    const { state, calls } = await one.api.get("crm");
    expect(state).toBe("closed");
    expect(calls).toMatchObject({ calls: 50, failed: 10 });
  });

  it("opens by the rate of all of them", async () => {
    const one = await start([], { breaker });
    const other = await start([], { breaker, database: one.database });
    await succeed(other.api, 10);
    await fail(one.api, 20);
    await expect(one.api.run("crm", () => 1)).rejects.toThrow("20 of 30 calls failed within 1m");
    await vi.waitUntil(() => other.api.state("crm").state === "open");
  });

  it("adds up failures that each saw a part of", async () => {
    const counted = { dependencies: { crm: { failureThreshold: 4 } } };
    const one = await start([], { breaker: counted });
    const other = await start([], { breaker: counted, database: one.database });
    await fail(one.api, 2);
    await fail(other.api, 1);
    expect((await one.api.get("crm")).state).toBe("closed");
    await fail(other.api, 1);
    expect(other.api.state("crm").state).toBe("open");
    await vi.waitUntil(() => one.api.state("crm").state === "open");
  });

  it("leaves parked jobs where they are when another process takes the lead", async () => {
    const task = () =>
      defineTask({ identifier: "call", breaker: { dependency: "crm" }, run: () => {} });
    const one = await start([task()], { breaker, start: false });
    await one.worker.migrate("auto");
    await one.api.open("crm", { reason: "maintenance" });
    await one.worker.addJobs(Array.from({ length: 100 }, () => ({ task: "call" })));
    // Held jobs: how often each was stopped, and until when.
    const parked = () =>
      one.sql<{ id: string; count: number; until: Date }>(
        "select job_id::text as id, count, until from oppulence_worker.core_notes where kind = 'held' order by job_id",
      );
    await one.worker.start();
    await vi.waitUntil(async () => (await parked()).length === 100, { timeout: 10_000 });
    const before = await parked();
    const until = before[0]?.until.getTime() ?? 0;
    expect(until - Date.now()).toBeGreaterThan(11.9 * 3_600_000);
    expect(until - Date.now()).toBeLessThan(24.1 * 3_600_000);
    await one.worker.stop();
    const other = await start([task()], { breaker, database: one.database, start: false });
    const hold = vi.spyOn(other.worker.engine, "hold");
    await other.worker.start();
    const looks = () => hold.mock.settledResults.filter(({ type }) => type === "fulfilled");
    await vi.waitUntil(() => looks().length > 1, { timeout: 10_000 });
    for (const { value } of looks()) expect(value).toBe(0);
    expect(await parked()).toEqual(before);
  });

  it("opens once, however many failures of all processes come at the same time", async () => {
    const counted = { dependencies: { crm: { failureThreshold: 4 } } };
    const one = await start([], { breaker: counted });
    const other = await start([], { breaker: counted, database: one.database });
    await Promise.all([fail(one.api, 20), fail(other.api, 20)]);
    const history = await one.api.history();
    expect(history.map(({ from, to }) => `${from} ${to}`)).toEqual(["closed open"]);
  });
});

describe("the overlay's file", () => {
  it("changes a dependency while the worker runs", async () => {
    const directory = await mkdtemp(join(tmpdir(), "breaker-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = join(directory, "worker.yaml");
    const write = (text: string) => writeFile(file, `plugins:\n  breaker:\n    ${text}\n`);
    await write("dependencies: { crm: { failureThreshold: 1 } }");
    const { api } = await start([], {
      breaker: { dependencies: { crm: {} } },
      config: { file, env: {} },
    });
    await fail(api, 1);
    expect(api.state("crm").state).toBe("open");
    await write("dependencies: { crm: { enabled: false } }");
    await vi.waitUntil(() => !api.state("crm").enabled, { timeout: 10_000 });
    expect(await api.run("crm", () => 1)).toBe(1);
  });
});
