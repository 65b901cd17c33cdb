import { describe, expect, it, onTestFinished, vi } from "vitest";
import { redisStore } from "../src/redis.ts";
import { input, open } from "./redis-open.ts";
import { clientOf, startCluster, startRedis, withoutRedis } from "./redis-server.ts";
import { startWay } from "./redis-way.ts";
import { ask, kind, of, peek, places, rate, SLOW, wish } from "./store-fixture.ts";

describe.skipIf(withoutRedis)("a store in Redis, when Redis is not well", () => {
  it("goes on when the script cache is flushed and when Redis is restarted", async () => {
    const server = await startRedis();
    const store = open(server.port);
    expect(await kind(store, wish("1", of(places("p", 1))))).toBe("admitted");
    await clientOf(server.port).script("FLUSH");
    expect(await kind(store, wish("2", of(places("p", 1))))).toBe("waiting");
    await server.restart(() =>
      expect(kind(store, wish("3", of(places("p", 1))))).rejects.toThrow(),
    );
    await vi.waitFor(
      async () => expect(await kind(store, wish("4", of(places("p", 1))))).toBe("admitted"),
      5_000,
    );
    // What was lost with the old one is told.
    expect(await store.renew("me")).toContain("1");
  });

  it("hears again after a restart", async () => {
    const server = await startRedis();
    const store = open(server.port);
    let heard = 0;
    onTestFinished(await store.listen({ overrides: () => heard++, turns: () => {} }));
    await vi.waitFor(() => expect(heard).toBe(1));
    await server.restart();
    await vi.waitFor(() => expect(heard).toBe(2), 5_000);
    const set = { limiter: "r", key: null, limits: {}, actor: null, reason: null };
    await open(server.port).setOverride(set);
    await vi.waitFor(() => expect(heard).toBe(3));
  });

  it("fails in time when nothing answers, and comes back", async () => {
    const way = await startWay((await startRedis()).port);
    const store = open(way.port, { timeoutMs: 100 });
    await store.states(undefined, 1);
    way.isCut = true;
    await expect(store.states(undefined, 1)).rejects.toThrow("did not answer within 100 ms");
    // Also while it tries to connect anew.
    for (let round = 0; round < 8; round++) {
      const from = performance.now();
      await expect(store.states(undefined, 1)).rejects.toThrow();
      expect(performance.now() - from).toBeLessThan(1_000);
    }
    way.isCut = false;
    await vi.waitFor(async () => expect(await store.states(undefined, 1)).toEqual([]), 5_000);
  });

  it("is as exact when Redis is slow, and takes one round trip an operation", async () => {
    const way = await startWay((await startRedis()).port);
    const [slow, near] = [open(way.port), open(way.port)];
    const [bucket, place] = [rate("r", SLOW, 20), places("p", 5)];
    for (const store of [slow, near]) await ask(store, peek(of(bucket)));
    way.delayMs = 100;
    const from = performance.now();
    const asked = [slow, near].flatMap((store, process) =>
      Array.from({ length: 6 }, (_, round) =>
        store.admit(
          `${process}`,
          Array.from({ length: 5 }, (_none, index) =>
            wish(`${process}-${round}-${index}`, of(index === 0 ? place : bucket)),
          ),
          [],
        ),
      ),
    );
    const kinds = (await Promise.all(asked)).map(({ answers }) => answers.map((each) => each.kind));
    const tookMs = performance.now() - from;
    expect(tookMs).toBeGreaterThanOrEqual(195);
    // Twelve one after another would take 2,400.
    expect(tookMs).toBeLessThan(2_000);
    expect(kinds.filter(([first]) => first === "admitted")).toHaveLength(5);
    const rates = kinds.flatMap(([, ...rest]) => rest);
    expect(rates.filter((one) => one === "admitted")).toHaveLength(18);
    expect(await slow.renew("0")).toEqual([]);
  });

  it("connects to a Redis that is too far for a connection and an answer in the time of one", async () => {
    const way = await startWay((await startRedis()).port);
    way.delayMs = 200;
    const store = open(way.port, { timeoutMs: 700 });
    await vi.waitFor(async () => expect(await store.states(undefined, 1)).toEqual([]), 10_000);
  }, 20_000);

  it("leaves a place whose answer came too late to nobody", async () => {
    const server = await startRedis();
    const way = await startWay(server.port);
    const bucket = places("p", 1);
    const store = open(way.port, { timeoutMs: 100, leaseMs: 400 });
    await ask(store, peek(of(rate("warm", 1, 1))));
    way.delayMs = 80;
    await expect(ask(store, wish("1", of(bucket)))).rejects.toThrow("did not answer within 100 ms");
    way.delayMs = 0;
    const other = open(server.port);
    await vi.waitFor(async () => expect(await kind(other, peek(of(bucket)))).toBe("refused"));
    await vi.waitFor(async () => {
      expect(await store.renew("me")).toEqual([]);
      expect(await kind(other, peek(of(bucket)))).toBe("admitted");
    }, 5_000);
  });

  it("sends nothing twice, in a cluster neither", async () => {
    const cluster = await startCluster();
    await cluster.connect();
    const port = cluster.nodes()[0]?.options.port ?? 0;
    const way = await startWay(port);
    const through = { host: "127.0.0.1", port: way.port };
    const natMap = { [`127.0.0.1:${port}`]: through };
    for (const client of [
      clientOf(way.port),
      cluster.duplicate([through], { natMap, lazyConnect: true }),
    ]) {
      onTestFinished(() => client.disconnect());
      const store = redisStore(client)(input());
      onTestFinished(() => store.stop?.());
      await ask(store, peek(of(rate("r", SLOW, 10))));
      await store.reset("r", undefined);
      way.losesNextAnswer = true;
      await expect(ask(store, peek(of(rate("r", SLOW, 10))))).rejects.toThrow();
      const [state] = await vi.waitFor(() => store.states("r", 1), 5_000);
      expect(state?.utilization).toBeCloseTo(0.1, 3);
    }
  });
});
