import { defineTask } from "@oppulence/worker-core";
import { commandLine } from "@oppulence/worker-testing";
import { describe, expect, it, vi } from "vitest";
import type { RateLimitOptions } from "../src/index.ts";
import { start } from "./start.ts";

const WITHIN_MS = 5_000;
const many = (count: number) => Array.from({ length: count }, (_, n) => n);
const stripe = { args: { limiter: "stripe" } };

/** A process that runs jobs, and a client beside it that has none; limits are changed there. */
async function started(stripeLimits: NonNullable<RateLimitOptions["limiters"]>[string]) {
  const ran: number[] = [];
  const task = defineTask({
    identifier: "send",
    rateLimit: "stripe",
    run: () => void ran.push(Date.now()),
  });
  const harness = await start([task], { limits: { limiters: { stripe: stripeLimits } } });
  const { worker, client, sql } = harness;
  await client.start();
  return {
    ran,
    api: client.plugins.rateLimit,
    ...commandLine(client),
    sql,
    async add(count: number) {
      await worker.addJobs(many(count).map((n) => ({ task, payload: { n } })));
    },
    /** Waits until so many are in line. */
    inLine: (count: number) =>
      vi.waitUntil(
        async () => (await client.plugins.rateLimit.limits.show("stripe")).waiting === count,
        { timeout: 10_000 },
      ),
    /** Jobs whose turn comes within so many seconds. */
    async dueWithin(seconds: number): Promise<number | undefined> {
      const [row] = await sql<{ count: number }>(
        "select count(*)::int as count from graphile_worker.jobs where run_at < now() + $1 * interval '1 second'",
        [seconds],
      );
      return row?.count;
    },
  };
}

describe("a limit that is changed while jobs wait", () => {
  it("pushes them back when it is lowered, and pulls them forward when that is taken back", async () => {
    const { ran, api, add, dueWithin } = await started({ maxPerSecond: 10, burstSize: 1 });
    await add(100);
    await vi.waitUntil(async () => ran.length >= 5 && ((await dueWithin(3)) ?? 0) > 15, {
      timeout: 10_000,
    });
    await api.limits.set("stripe", null, { limit: 1, period: "1h" }, { reason: "an incident" });
    const loweredAt = Date.now();
    // Those whose turn was seconds away have one that is an hour away and more.
    await vi.waitUntil(async () => (await dueWithin(3)) === 0, { timeout: WITHIN_MS });
    const before = ran.length;
    expect(ran.filter((at) => at > loweredAt + 1_000).length).toBeLessThanOrEqual(1);
    expect(before).toBeLessThan(60);

    expect(await api.limits.unset("stripe", null, { reason: "it is over" })).toBe(true);
    const unsetAt = Date.now();
    await vi.waitUntil(() => ran.length >= before + 10, { timeout: 10_000 });
    expect((ran[before + 9] ?? 0) - unsetAt).toBeLessThan(WITHIN_MS);
  });

  it("lets a full burst of those who wait start when counts are reset from the command line", async () => {
    const { ran, run, add, inLine } = await started({ limit: 5, period: "1h" });
    await add(12);
    await inLine(7);
    expect(ran).toHaveLength(5);
    const resetAt = Date.now();
    expect(await run("limits reset", { ...stripe, options: { counts: true } })).toBe(0);
    await vi.waitUntil(() => ran.length === 10, { timeout: WITHIN_MS + 1_000 });
    expect((ran[9] ?? 0) - resetAt).toBeLessThan(WITHIN_MS);
    await inLine(2);
    expect(ran).toHaveLength(10);
  });

  it("hands more places out at once when there are more, and no more than there are when fewer", async () => {
    let running = 0;
    let most = 0;
    const release = Promise.withResolvers<void>();
    const hold = defineTask({
      identifier: "hold",
      rateLimit: "pool",
      async run() {
        running += 1;
        most = Math.max(most, running);
        await release.promise;
        running -= 1;
      },
    });
    const { worker, client } = await start([hold], {
      limits: { limiters: { pool: { maxConcurrent: 1 } } },
      worker: { concurrentJobs: 10 },
    });
    await client.start();
    const { limits } = client.plugins.rateLimit;
    await worker.addJobs(many(8).map((n) => ({ task: hold, payload: { n } })));
    await vi.waitUntil(async () => (await limits.show("pool")).waiting === 7, { timeout: 10_000 });
    const setAt = Date.now();
    await limits.set("pool", null, { maxConcurrent: 4 });
    await vi.waitUntil(() => running === 4, { timeout: WITHIN_MS + 1_000 });
    expect(Date.now() - setAt).toBeLessThan(WITHIN_MS);
    await limits.set("pool", null, { maxConcurrent: 2 });
    expect((await limits.show("pool")).running).toBe(4);
    release.resolve();
    await vi.waitUntil(async () => (await limits.show("pool")).waiting === 0, { timeout: 10_000 });
    expect(most).toBe(4);
  });

  it("is listed with who changed it and why", async () => {
    const { run, printed, api } = await started({ maxPerSecond: 10 });
    const options = { maxPerSecond: "3", reason: "they asked us to", actor: "ada" };
    expect(await run("limits set", { ...stripe, options })).toBe(0);
    expect(await run("limits list")).toBe(0);
    expect(await run("limits show", stripe)).toBe(0);
    const text = printed.join("\n");
    expect(text).toContain('"limiter":"stripe","limits":"10 a second","overrides":1');
    expect(text).toContain("they asked us to");
    expect(text).toContain("ada");
    await expect(run("limits set", { args: { limiter: "strip" }, options })).rejects.toThrow(
      'did you mean "stripe"?',
    );
    expect((await api.limits.show("stripe", { key: "" })).effective).toContain("3 a second");
  });
});
