import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { initialRecord } from "../src/record.ts";
import { redisStore } from "../src/redis.ts";
import type { BreakerStore } from "../src/store.ts";
import { clientOf, type RedisServer, startRedis, withoutRedis } from "./redis-server.ts";
import { testStore } from "./store-suite.ts";

function open(server: RedisServer, port = server.port, timeoutMs = 2_000): BreakerStore {
  const store = redisStore(clientOf(port))({
    schema: '"oppulence_worker"',
    retentionMs: 86_400_000,
    timeoutMs,
    logger: undefined as never,
    pool: undefined as never,
    query: undefined as never,
    transaction: undefined as never,
  });
  onTestFinished(() => store.stop());
  return store;
}

const touch = (store: BreakerStore, announce = false) =>
  store.change("smtp", (current, now) => {
    const record = current ?? initialRecord(now);
    const next = { ...record, version: record.version + 1, openings: record.openings + 1 };
    return { record: next, transitions: [], announce, value: next.openings };
  });

/** A way to the server that the test slows down or cuts. */
async function startProxy(server: RedisServer) {
  const way = { delayMs: 0, isCut: false };
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
      from.on("data", (data) => {
        // What is sent into a cut way is lost without a word.
        if (!way.isCut) setTimeout(() => void to.write(data), way.delayMs);
      });
    }
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return { way, port: (proxy.address() as { port: number }).port };
}

describe.skipIf(withoutRedis)("with a Redis", () => {
  testStore("Redis", async () => {
    const server = await startRedis();
    return { open: () => open(server) };
  });

  describe("the store in Redis", () => {
    it("goes on when the server has forgotten its scripts", async () => {
      const server = await startRedis();
      const store = open(server);
      await touch(store);
      await clientOf(server.port).script("FLUSH");
      expect((await touch(store)).value).toBe(2);
    });

    it("goes on when the server was restarted without its data, and hears of changes again", async () => {
      const server = await startRedis();
      const [one, other] = [open(server), open(server)];
      const heard = vi.fn();
      await other.listen({ onChange: heard, onAlive() {} });
      await vi.waitUntil(() => other.isListening);
      await touch(one);
      await server.restart(async () => {
        await expect(one.read(["smtp"])).rejects.toThrow();
        await vi.waitUntil(() => !other.isListening);
      });
      await vi.waitUntil(() => other.isListening, { timeout: 10_000 });
      expect((await touch(one, true)).value).toBe(1);
      await vi.waitUntil(() => heard.mock.calls.length > 0);
    });

    it("works over a way that takes 200 ms, also where processes meet", async () => {
      const server = await startRedis();
      const { way, port } = await startProxy(server);
      const [slow, fast] = [open(server, port), open(server)];
      await touch(slow);
      way.delayMs = 100;
      const values = await Promise.all([touch(slow), touch(fast), touch(fast), touch(slow)]);
      expect(values.map(({ value }) => value).sort()).toEqual([2, 3, 4, 5]);
    });

    it("says so in time when the server is cut off, and comes back on a new connection", async () => {
      const server = await startRedis();
      const { way, port } = await startProxy(server);
      const store = open(server, port, 200);
      await touch(store);
      way.isCut = true;
      await expect(touch(store)).rejects.toThrow("Redis did not answer within 200 ms");
      way.isCut = false;
      const again = async () => (await touch(store).catch(() => undefined))?.value;
      await vi.waitUntil(async () => (await again()) === 2, { timeout: 10_000 });
    });

    it("goes by the server's clock", async () => {
      const server = await startRedis();
      const store = open(server);
      const [seconds] = await clientOf(server.port).time();
      const times: number[] = [];
      await store.change("smtp", (_, now) => {
        times.push(now);
        return { record: undefined, transitions: [], announce: false, value: undefined };
      });
      expect(Math.abs((times.at(-1) ?? 0) - Number(seconds) * 1_000)).toBeLessThan(3_000);
    });
  });
});
