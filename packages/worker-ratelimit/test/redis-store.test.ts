import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { redisStore } from "../src/redis.ts";
import type { RateLimitStore, StoreInput } from "../src/store.ts";
import {
  clientOf,
  type RedisServer,
  startCluster,
  startRedis,
  withoutRedis,
} from "./redis-server.ts";
import { ask, kind, of, places, rate, SLOW, wish } from "./store-fixture.ts";
import { storeSuite } from "./store-suite.ts";

/** What of its input a store in Redis uses. */
const input = (given: Partial<StoreInput> = {}) =>
  ({ schema: '"oppulence_worker"', leaseMs: 30_000, timeoutMs: 2_000, ...given }) as StoreInput;

function open(server: Pick<RedisServer, "port">, given: Partial<StoreInput> = {}): RateLimitStore {
  const store = redisStore(clientOf(server.port))(input(given));
  onTestFinished(() => store.stop?.());
  return store;
}

storeSuite(
  "Redis",
  async () => {
    const server = await startRedis();
    return { open: (options) => open(server, options) };
  },
  withoutRedis,
);

describe.skipIf(withoutRedis)("a store in Redis, beside the suite", () => {
  it("keeps limits of two schemas, and of two prefixes, apart", async () => {
    const server = await startRedis();
    const bucket = places("p", 1);
    const other = redisStore(clientOf(server.port), { prefix: "mine" })(input());
    onTestFinished(() => other.stop?.());
    for (const store of [open(server), open(server, { schema: '"other"' }), other])
      expect(await kind(store, wish("1", of(bucket)))).toBe("admitted");
  });

  it("sweeps what is idle until no key is left", async () => {
    const server = await startRedis();
    const store = open(server);
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

  it("goes on when the script cache is flushed and when Redis is restarted", async () => {
    const server = await startRedis();
    const store = open(server);
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
  });

  it("fails in time when nothing answers, and comes back", async () => {
    const server = await startRedis();
    const { way, port } = await startProxy(server);
    const store = open({ port }, { timeoutMs: 100 });
    await store.states(undefined, 1);
    way.isCut = true;
    await expect(store.states(undefined, 1)).rejects.toThrow("did not answer within 100 ms");
    way.isCut = false;
    await vi.waitFor(async () => expect(await store.states(undefined, 1)).toEqual([]), 5_000);
  });
});

/** A way to the server that the test cuts. */
async function startProxy(server: RedisServer) {
  const way = { isCut: false };
  const sockets = new Set<Socket>();
  const proxy = createServer((inbound) => {
    const outbound = connect(server.port, "127.0.0.1");
    for (const [from, to] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => to.destroy());
      // What is sent into a cut way is lost without a word.
      from.on("data", (data) => way.isCut || to.write(data));
    }
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return { way, port: (proxy.address() as { port: number }).port };
}
