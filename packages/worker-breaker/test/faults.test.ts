import { type Clock, defineTask, systemClock } from "@oppulence/worker-core";
import { recoverPools, startPostgres } from "@oppulence/worker-testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startCallers } from "./callers.ts";
import { start } from "./start.ts";

const held = "select from oppulence_worker.core_notes where kind = 'held' and plugin = 'breaker'";

describe("a process that is killed with -9", () => {
  it("has its probe taken by another one, once its lease is over", async () => {
    const breaker = {
      dependencies: { api: { failureThreshold: 1, resetTimeout: "200ms", maxHalfOpenWait: "1s" } },
    };
    const callers = await startCallers(2, { breaker });
    const { api, client, workers, turn, add, running } = callers;
    await turn("down");
    await add(20);
    await vi.waitUntil(async () => (await api.get("api")).state === "open", { timeout: 5_000 });
    await vi.waitUntil(async () => (await running()) === 0, { timeout: 5_000, interval: 5 });
    await turn("slow");
    const holders = () =>
      client.query<{ pid: number }>("select pid from calls where mode = 'slow'");
    await vi.waitUntil(async () => (await holders()).length === 1, { timeout: 5_000 });
    const [holder] = await holders();
    await workers.find(({ pid }) => pid === holder?.pid)?.kill();
    const killedAt = Date.now();
    await turn("up");
    await vi.waitUntil(async () => (await api.get("api")).state === "closed", { timeout: 10_000 });
    expect(Date.now() - killedAt).toBeLessThan(6_000);
    expect(await client.query("select from oppulence_worker.breaker_probes")).toEqual([]);
    const history = await api.history({ limit: 3 });
    expect(history.map(({ to }) => to)).toEqual(["closed", "half-open", "open"]);
  });

  it("has the ramp that it led go on in another one", async () => {
    const breaker = { dependencies: { api: {} }, ramp: { first: 1, every: "700ms" } };
    const callers = await startCallers(2, { breaker, concurrentJobs: 1 });
    const { api, client, workers, add, left } = callers;
    await api.open("api", { reason: "a test" });
    await add(30);
    const parked = async () => (await client.query(held)).length;
    await vi.waitUntil(async () => (await parked()) === 30, { timeout: 15_000 });
    await api.reset("api");
    await vi.waitUntil(async () => (await parked()) < 30, { timeout: 5_000 });
    const [leader] = await client.query<{ pid: number }>(
      "select split_part(leader, ':', 2)::int as pid from oppulence_worker.breaker_circuits",
    );
    const victim = workers.find(({ pid }) => pid === leader?.pid);
    await victim?.kill();
    expect(await parked()).toBeGreaterThan(10);
    await recoverPools(client.engine, victim?.pools ?? []);
    await vi.waitUntil(async () => (await left()) === 0, { timeout: 20_000 });
    expect((await api.get("api")).parked).toBe(false);
  });
});

describe("PostgreSQL restarted while a circuit is open", () => {
  it("keeps the state, and jobs come back once it is closed", async () => {
    const server = await startPostgres({ url: false });
    onTestFinished(() => server.stop());
    const task = defineTask({ identifier: "send", breaker: { dependency: "smtp" }, run: () => {} });
    const { api, worker, sql } = await start([task], {
      databases: server,
      breaker: { dependencies: { smtp: {} } },
      timeout: "20s",
    });
    await api.open("smtp", { reason: "a test" });
    await worker.addJobs(Array.from({ length: 20 }, (_, n) => ({ task, payload: { n } })));
    await vi.waitUntil(async () => (await sql(held)).length === 20, { timeout: 15_000 });
    await server.restart({
      mode: "immediate",
      whileDown: async () => {
        expect(api.state("smtp").state).toBe("forced-open");
        await expect(api.run("smtp", () => 1)).rejects.toThrow("forced open");
        await vi.waitUntil(
          async () =>
            (await worker.health()).parts["breaker"]?.detail ===
            "could not read circuits from PostgreSQL",
          { timeout: 10_000 },
        );
      },
    });
    await vi.waitUntil(async () => (await api.get("smtp").catch(() => undefined)) !== undefined, {
      timeout: 20_000,
    });
    expect(api.state("smtp").state).toBe("forced-open");
    await api.reset("smtp");
    await vi.waitUntil(async () => (await sql("select from graphile_worker.jobs")).length === 0, {
      timeout: 20_000,
    });
  });
});

describe("hosts whose clocks are an hour apart", () => {
  it("agree on when to probe", async () => {
    const wrongBy = (ms: number): Clock => ({ ...systemClock, now: () => Date.now() + ms });
    const options = {
      breaker: { dependencies: { crm: { failureThreshold: 1, resetTimeout: "1s" } } },
    };
    const late = await start([], { ...options, clock: wrongBy(-1_800_000) });
    const { database } = late;
    const early = await start([], { ...options, database, clock: wrongBy(1_800_000) });
    await expect(late.api.run("crm", () => Promise.reject(new Error("boom")))).rejects.toThrow(
      "boom",
    );
    await vi.waitUntil(() => early.api.state("crm").state === "open");
    await expect(early.api.run("crm", () => 1)).rejects.toThrow("is open");
    const { since, nextProbe } = early.api.state("crm");
    expect(Math.abs(since.getTime() - Date.now())).toBeLessThan(10_000);
    await vi.waitUntil(async () => (await late.api.run("crm", () => 1).catch(() => 0)) === 1, {
      timeout: 5_000,
    });
    expect(Date.now()).toBeGreaterThanOrEqual((nextProbe?.getTime() ?? 0) - 50);
    await vi.waitUntil(() => early.api.state("crm").state === "closed");
  });
});
