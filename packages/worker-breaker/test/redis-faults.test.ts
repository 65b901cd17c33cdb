import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { defineTask } from "@oppulence/worker-core";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { isCircuitOpenError } from "../src/index.ts";
import { redisStore } from "../src/redis.ts";
import { clientOf, launchRedis, startRedis, withoutRedis } from "./redis-server.ts";
import { start } from "./start.ts";

const held = "select from oppulence_worker.core_notes where kind = 'held' and plugin = 'breaker'";
const boom = () => Promise.reject(new Error("boom"));

/** A port on which a Redis was, and is no more. */
async function deadPort(): Promise<number> {
  const { port, stop } = await launchRedis();
  await stop();
  return port;
}

/** A port from which everything takes that long to a Redis, and back. */
async function farPort(to: number, delayMs: number): Promise<number> {
  const sockets = new Set<Socket>();
  const pass = (from: Socket, target: Socket) => {
    sockets.add(from);
    from.on("error", () => {});
    from.on("close", () => target.destroy());
    from.on("data", (data) => setTimeout(() => target.write(data), delayMs));
  };
  const server = createServer((inbound) => {
    const outbound = connect(to, "127.0.0.1");
    pass(inbound, outbound);
    pass(outbound, inbound);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe.skipIf(withoutRedis)("with a Redis", () => {
  it("too far for a connection and an answer in the time of one, it connects all the same", async () => {
    const port = await farPort((await startRedis()).port, 250);
    const { api } = await start([], {
      breaker: {
        dependencies: { smtp: {} },
        store: redisStore(clientOf(port)),
        storeTimeout: "1200ms",
      },
    });
    await vi.waitFor(async () => expect((await api.get("smtp")).state).toBe("closed"));
    await vi.waitFor(async () =>
      expect(await api.open("smtp", { reason: "a test" })).toBeDefined(),
    );
  });

  it("that loses its data, processes give it back what they know, and parked jobs come back", async () => {
    const server = await startRedis();
    const task = defineTask({ identifier: "send", breaker: { dependency: "smtp" }, run: () => {} });
    const { api, worker, sql } = await start([task], {
      breaker: { dependencies: { smtp: {} }, store: redisStore(clientOf(server.port)) },
    });
    await api.open("smtp", { reason: "a test" });
    await worker.addJobs(Array.from({ length: 20 }, (_, n) => ({ task, payload: { n } })));
    await vi.waitUntil(async () => (await sql(held)).length === 20, { timeout: 15_000 });
    await vi.waitUntil(() => api.state("smtp").parked);
    await server.restart(async () => {
      await expect(api.run("smtp", () => 1)).rejects.toThrow("forced open");
      await expect(api.list()).rejects.toThrow();
    });
    const stored = async () => (await clientOf(server.port).keys("*:circuit:smtp")).length === 1;
    await vi.waitUntil(stored, { timeout: 10_000 });
    expect((await api.get("smtp")).state).toBe("forced-open");
    await api.reset("smtp");
    await vi.waitUntil(async () => (await sql("select from graphile_worker.jobs")).length === 0, {
      timeout: 15_000,
    });
  });

  it("that was never there, calls go on, or not where the dependency says so; jobs never fail", async () => {
    const task = defineTask({
      identifier: "send",
      breaker: { dependency: "careful" },
      run: () => {},
    });
    const started = Date.now();
    const { api, enqueue, waitFor, worker } = await start([task], {
      breaker: {
        dependencies: { easy: {}, careful: { onError: "closed" } },
        store: redisStore(clientOf(await deadPort())),
        storeTimeout: "500ms",
      },
    });
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(await api.run("easy", () => 1)).toBe(1);
    await expect(api.run("easy", boom)).rejects.toThrow("boom");
    const error = await api.run("careful", () => 1).catch((thrown: unknown) => thrown);
    expect(isCircuitOpenError(error)).toBe(true);
    const { note } = await waitFor(await enqueue(task, {}), "deferred");
    expect(note?.code).toBe("STORE_UNREACHABLE");
    expect((await worker.health()).parts["breaker"]).toEqual({
      status: "degraded",
      detail: "could not read circuits from Redis",
    });
  });

  it("that goes away, the last known state holds, and failures do not hold up calls", async () => {
    const server = await startRedis();
    const { api } = await start([], {
      breaker: {
        dependencies: { crm: { failureThreshold: 1 }, smtp: { failureThreshold: 1 } },
        store: redisStore(clientOf(server.port)),
        storeTimeout: "300ms",
      },
    });
    await expect(api.run("smtp", boom)).rejects.toThrow("boom");
    await server.stop();
    await expect(api.run("smtp", () => 1)).rejects.toThrow("is open");
    for (let n = 0; n < 3; n++) await expect(api.run("crm", boom)).rejects.toThrow("boom");
    expect(await api.run("crm", () => 1)).toBe(1);
  });
});
