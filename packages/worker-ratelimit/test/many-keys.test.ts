import { createFakeClock } from "@oppulence/worker-testing";
import { describe, expect, it, vi } from "vitest";
import { Leases } from "../src/leases.ts";
import { open } from "./redis-open.ts";
import { clientOf, startRedis, withoutRedis } from "./redis-server.ts";
import { start } from "./start.ts";
import { of, rate, wish } from "./store-fixture.ts";

const KEYS = 20_000;
const PAGE = 200;

describe("20,000 keys", () => {
  it("leave no row behind once they are idle", async () => {
    const limiters = { crm: { maxPerSecond: 1_000 } };
    const { api, sql, database } = await start([], { limits: { sweepInterval: "1d", limiters } });
    for (let from = 0; from < KEYS; from += PAGE)
      await Promise.all(
        Array.from({ length: PAGE }, (_, n) => api.acquire("crm", { key: from + n, timeout: 0 })),
      );
    const count = async () => {
      const [row] = await sql<{ count: number }>(
        "select count(*)::int as count from oppulence_worker.ratelimit_buckets",
      );
      return row?.count;
    };
    expect(await count()).toBe(KEYS);
    // A bucket is kept for up to two minutes after it was used: pretend that they are over.
    await sql(
      "update oppulence_worker.ratelimit_buckets set leased_at = leased_at - 2e8, tat = tat - 2e8",
    );
    await start([], { limits: { sweepInterval: "1s", limiters }, database });
    await vi.waitUntil(async () => (await count()) === 0, { timeout: 20_000 });
  }, 60_000);

  it.skipIf(withoutRedis)(
    "have an end in Redis, and are swept",
    async () => {
      const server = await startRedis();
      const store = open(server.port);
      const redis = clientOf(server.port);
      for (let from = 0; from < KEYS; from += PAGE) {
        const requests = Array.from({ length: PAGE }, (_, n) =>
          wish(`${from + n}`, of(rate("crm", 1_000, 1_000, `${from + n}`))),
        );
        await store.admit("me", requests, []);
      }
      expect(await redis.dbsize()).toBeGreaterThan(KEYS);
      // Each ends by itself, should nobody sweep; what lists them is swept.
      const endless = await redis.eval(
        "local found = 0 for _, key in ipairs(redis.call('keys', '*')) do if redis.call('pttl', key) < 0 then found = found + 1 end end return found",
        0,
      );
      expect(endless).toBe(2);
      for (let swept = 0; swept < KEYS; ) swept += await store.sweep(1_000);
      expect(await redis.dbsize()).toBe(0);
    },
    60_000,
  );

  it("are forgotten by a process that has used each once", async () => {
    const clock = createFakeClock();
    const leases = new Leases({ clock, onUnused: () => {}, onLow: () => {} });
    for (let key = 0; key < KEYS; key++) {
      const demand = of(rate("crm", 1_000, 1_000, String(key)));
      expect(leases.use("1", [demand])).toBeUndefined();
      leases.wanted(demand);
    }
    expect(clock.pending).toBe(1);
    await clock.advance("1s");
    // It looks at what it knows until it knows nothing.
    expect(clock.pending).toBe(0);
  });
});
