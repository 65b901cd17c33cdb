import { testDatabase } from "@oppulence/worker-testing/vitest";
import { describe, expect, it, onTestFinished } from "vitest";
import { createClient, defineTask, type Health, type HealthReport } from "../src/index.ts";
import { plugin } from "./support/plugins.ts";
import { quietLogger, testWorker } from "./support/worker.ts";

const tasks = [defineTask({ identifier: "t", run: () => {} })];
const healthy = (name: string, health: () => unknown) =>
  plugin(name, { health: health as () => Health });

describe("health", () => {
  it("is down before start and after stop, and ok between", async () => {
    const pool = (await testDatabase()).pool();
    const client = createClient({ pool, config: false, logger: quietLogger(), tasks });
    onTestFinished(() => client.stop());
    const down: HealthReport = {
      status: "down",
      parts: {
        database: { status: "ok" },
        start: {
          status: "down",
          detail: "not started, or its migrations and plugins are not ready",
        },
      },
    };
    expect(await client.health()).toEqual(down);
    await client.start();
    expect(await client.health()).toEqual({
      status: "ok",
      parts: { database: { status: "ok" }, start: { status: "ok" } },
    });
    await client.stop();
    expect(await client.health()).toEqual(down);
  });

  it("is that of the worst part, and shows each", async () => {
    const states: Record<string, Health> = {
      a: { status: "ok" },
      b: { status: "degraded", detail: "Redis is slow" },
    };
    const { worker } = await testWorker({
      tasks,
      plugins: [
        healthy("a", () => states.a),
        healthy("b", async () => states.b),
        plugin("silent", {}),
      ],
    });
    await worker.start();
    const start: Health = { status: "ok" };
    const database: Health = { status: "ok" };
    expect(await worker.health()).toEqual({
      status: "degraded",
      parts: { database, start, ...states },
    });
    states.a = { status: "down", detail: "Redis is gone" };
    expect(await worker.health()).toEqual({
      status: "down",
      parts: { database, start, ...states },
    });
  });

  it("takes a plugin that throws, rejects, hangs or says nothing of use for down", async () => {
    const { worker } = await testWorker({
      tasks,
      plugins: [
        healthy("throws", () => {
          throw new Error("no store");
        }),
        healthy("rejects", () => Promise.reject(new Error("gone"))),
        healthy("hangs", () => new Promise(() => {})),
        healthy("nothing", () => undefined),
        healthy("odd", () => ({ status: "fine" })),
      ],
    });
    await worker.start();
    const { status, parts } = await worker.health();
    expect(status).toBe("down");
    const down = (detail: string) => ({ status: "down", detail });
    expect(parts).toMatchObject({
      database: { status: "ok" },
      throws: down("no store"),
      rejects: down("gone"),
      hangs: down("plugin hangs, health: did not settle within 2000 ms"),
      nothing: down("said undefined, which has no known status"),
      odd: down('said {status: "fine"}, which has no known status'),
    });
  });

  it("is asked as the plugin's own method, and may be asked by plugins", async () => {
    class Store {
      readonly status = "ok";
      health(): Health {
        return { status: this.status };
      }
    }
    let report: Promise<HealthReport> | undefined;
    const { worker } = await testWorker({
      tasks,
      plugins: [
        plugin("store", () => new Store()),
        plugin("probe", ({ health }) => ({
          start: () => {
            report = health();
          },
        })),
      ],
    });
    await worker.start();
    expect((await worker.health()).parts.store).toEqual({ status: "ok" });
    expect((await report)?.parts.store).toEqual({ status: "ok" });
  });
});
