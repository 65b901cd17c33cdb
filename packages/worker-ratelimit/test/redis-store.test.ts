import { describe, expect, it, onTestFinished, vi } from "vitest";
import { redisStore } from "../src/redis.ts";
import { input, open } from "./redis-open.ts";
import { clientOf, startCluster, startRedis, withoutRedis } from "./redis-server.ts";
import { letPass } from "./redis-time.ts";
import { ask, kind, of, places, rate, SLOW, wish } from "./store-fixture.ts";
import { storeSuite } from "./store-suite.ts";

storeSuite(
  "Redis",
  async () => {
    const server = await startRedis();
    return { open: (options) => open(server.port, options) };
  },
  withoutRedis,
);

describe.skipIf(withoutRedis)("a store in Redis, beside the suite", () => {
  it("keeps limits of two schemas, and of two prefixes, apart", async () => {
    const server = await startRedis();
    const bucket = places("p", 1);
    const other = redisStore(clientOf(server.port), { prefix: "mine" })(input());
    onTestFinished(() => other.stop?.());
    for (const store of [open(server.port), open(server.port, { schema: '"other"' }), other])
      expect(await kind(store, wish("1", of(bucket)))).toBe("admitted");
  });

  it("sweeps what is idle until no key is left", async () => {
    const server = await startRedis();
    const store = open(server.port);
    const requests = Array.from({ length: 500 }, (_, index) =>
      wish(String(index), of(rate("r", 1_000, 1_000, `k${index}`))),
    );
    await store.admit("me", requests, []);
    await ask(store, wish("x", of(places("p", 1))));
    await store.release("me", ["x"]);
    let swept = 0;
    await vi.waitFor(async () => {
      swept += await store.sweep(200);
      expect(swept).toBe(501);
    });
    expect(await clientOf(server.port).keys("*")).toEqual([]);
  });

  it("works in a cluster", async () => {
    const store = redisStore(await startCluster())(input());
    onTestFinished(() => store.stop?.());
    const demands = [of(places("p", 1)), of(rate("r", SLOW, 1))];
    expect(await kind(store, wish("1", ...demands))).toBe("admitted");
    expect(await kind(store, wish("2", ...demands))).toBe("waiting");
    expect(await store.release("me", ["1"])).toEqual([{ id: "2", inMs: 0 }]);
    const stop = await store.listen({ overrides: () => {}, turns: () => {} });
    await stop();
  });

  it("tells a promise that nobody took again every 5 s, and finds its bucket", async () => {
    const { port } = await startRedis();
    const store = open(port);
    const bucket = places("p", 1);
    for (const id of ["1", "2"]) await ask(store, wish(id, of(bucket)));
    await store.release("me", ["1"]);
    for (let round = 0; round < 2; round++) {
      await letPass(port, 4_000);
      expect(await store.tend(bucket)).toEqual([]);
      expect(await store.busy(["p", "r"], 5)).toEqual([]);
      await letPass(port, 1_000);
      expect(await store.busy(["p", "r"], 5)).toEqual([{ limiter: "p", key: "" }]);
      expect(await store.tend(bucket)).toEqual([{ id: "2", inMs: 0 }]);
      expect(await store.busy(["p", "r"], 5)).toEqual([]);
    }
    expect(await kind(store, wish("2", of(bucket)))).toBe("admitted");
    await letPass(port, 5_000);
    expect(await store.busy(["p", "r"], 5)).toEqual([]);
  });

  it("tells a turn that was due for 5 s again, but of nobody who waits elsewhere", async () => {
    const { port } = await startRedis();
    const store = open(port);
    const [due, full] = [rate("due", 10, 3), rate("full", SLOW, 1)];
    await ask(store, wish("x", of(due), of(full)));
    for (const id of ["1", "2"]) await store.lineUp(due, [{ id, units: 1 }]);
    await ask(store, wish("2", of(full)));
    await letPass(port, 4_000);
    expect(await store.tend(due)).toEqual([]);
    for (let round = 0; round < 2; round++) {
      await letPass(port, 5_000);
      expect(await store.tend(due)).toEqual([{ id: "1", inMs: 0 }]);
      expect(await store.tend(due)).toEqual([]);
    }
  });

  it("finds its buckets beside any number of those that nobody looks after", async () => {
    const store = open((await startRedis()).port, { leaseMs: 1 });
    const others = Array.from({ length: 1_500 }, (_, index) => [
      wish(`${index}`, of(rate("gone", SLOW, 1, `${index}`), 2)),
      wish(`${index + 5_000}`, of(places("gone#2", 1, `${index}`))),
    ]);
    await store.admit("dead", others.flat(), []);
    await ask(store, wish("1", of(rate("r", SLOW, 1), 2)));
    expect(await store.busy(["r"], 5)).toEqual([{ limiter: "r", key: "" }]);
    await ask(store, wish("2", of(places("p", 1))));
    const found = expect.arrayContaining([{ limiter: "p", key: "" }]);
    await vi.waitFor(async () => expect(await store.busy(["r", "p"], 5)).toEqual(found));
  });

  it("lets one who was promised a place wait first when the places become a rate", async () => {
    const store = open((await startRedis()).port);
    for (const id of ["1", "2", "3"]) await ask(store, wish(id, of(places("x", 1))));
    await store.release("me", ["1"]);
    await ask(store, wish("4", of(rate("x", SLOW, 9))));
    const before = async (id: string) => (await store.inLine(id)).map((place) => place.before);
    expect(await Promise.all(["2", "3", "4"].map(before))).toEqual([[0], [1], [2]]);
    expect(await kind(store, wish("2", of(rate("x", SLOW, 9))))).toBe("admitted");
  });

  it("sweeps places of the dead that nobody looks after, but none with a line", async () => {
    const { port } = await startRedis();
    const store = open(port);
    await ask(store, wish("1", of(places("alone", 1))), "dead");
    for (const id of ["2", "3"]) await ask(store, wish(id, of(places("line", 1))), "dead");
    expect(await store.sweep(10)).toBe(0);
    await letPass(port, 120_000);
    expect(await store.sweep(10)).toBe(1);
    expect(await store.states(undefined, 10)).toMatchObject([{ limiter: "line", waiting: 1 }]);
    expect(await clientOf(port).keys("*alone*")).toEqual([]);
    expect(await clientOf(port).keys("*:at:1")).toEqual([]);
  });
});
