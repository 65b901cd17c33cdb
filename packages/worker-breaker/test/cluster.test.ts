import { describe, expect, it, vi } from "vitest";
import { startCallers } from "./callers.ts";
import { withoutRedis } from "./redis-server.ts";

const stores = [
  { store: "PostgreSQL", redis: false },
  ...(withoutRedis ? [] : [{ store: "Redis", redis: true }]),
];

describe.each(stores)("four processes with $store", ({ redis }) => {
  it("learn of an opening within 250 ms", async () => {
    const breaker = { dependencies: { api: {} } };
    const { api, client } = await startCallers(4, { breaker, redis });
    const lags: number[] = [];
    for (let round = 0; round < 6; round++) {
      const { since, generation } = await api.open("api", { reason: "a test" });
      const learnt = () =>
        client.query<{ ms: number }>(
          `select extract(epoch from at)::float8 * 1000 as ms from learnt where generation = $1`,
          [generation],
        );
      await vi.waitUntil(async () => (await learnt()).length === 4, { timeout: 5_000 });
      for (const { ms } of await learnt()) lags.push(ms - since.getTime());
      await api.reset("api");
    }
    lags.sort((a, b) => a - b);
    expect(lags[lags.length / 2]).toBeLessThan(250);
    console.info(`learnt after ${lags.map(Math.round).join(", ")} ms`);
  });

  it("run exactly as many probes as they may", async () => {
    const breaker = {
      dependencies: { api: { failureThreshold: 3, resetTimeout: "500ms", halfOpenRequests: 2 } },
    };
    const { api, client, turn, add, hurry, left, running } = await startCallers(4, {
      breaker,
      redis,
    });
    await turn("down");
    await add(60);
    await vi.waitUntil(async () => (await api.get("api")).state !== "closed", { timeout: 5_000 });
    // What was let through before it opened has ended by then.
    await vi.waitUntil(async () => (await running()) === 0, { timeout: 5_000, interval: 5 });
    await turn("slow");
    const slow = async () => {
      const [row] = await client.query<{ probes: number; for_ms: number }>(
        "select count(*)::int as probes, coalesce(extract(epoch from clock_timestamp() - min(at)) * 1000, 0)::float8 as for_ms from calls where mode = 'slow'",
      );
      return row ?? { probes: 0, for_ms: 0 };
    };
    // Over more than one turn of whoever releases jobs for probes.
    await vi.waitUntil(
      async () => {
        const { probes, for_ms } = await slow();
        expect(probes).toBeLessThanOrEqual(2);
        return probes === 2 && for_ms > 1_500;
      },
      { timeout: 12_000 },
    );
    await turn("up");
    await vi.waitUntil(async () => (await api.get("api")).state === "closed", { timeout: 5_000 });
    await vi.waitUntil(
      async () => {
        await hurry();
        return (await left()) === 0;
      },
      { timeout: 15_000, interval: 200 },
    );
    const history = await api.history({ dependency: "api", limit: 100 });
    const half = history.filter(({ to }) => to === "half-open").length;
    const failed = await client.query("select from calls where mode = 'down'");
    // What was under way when it opened, and a probe or two that came before it was slow.
    expect(failed.length).toBeLessThanOrEqual(3 - 1 + 4 * 5 + half * 2);
  });
});
