import { testDatabase } from "@oppulence/worker-testing/vitest";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import {
  type AnyPlugin,
  type Client,
  type ClientOptions,
  createClient,
  declareTask,
  definePlugin,
} from "../src/index.ts";
import { migratedDatabase } from "./support/database.ts";
import { entry, gate, plugin } from "./support/plugins.ts";
import { errorOf, idOf } from "./support/results.ts";
import { quietLogger } from "./support/worker.ts";

const remind = declareTask({
  identifier: "remind",
  payload: z.object({ to: z.string() }),
  spec: { maxAttempts: 3 },
});

function make<const P extends readonly AnyPlugin[] = readonly []>(
  options: ClientOptions<P>,
): Client<P> {
  const client = createClient<P>({
    config: false,
    logger: quietLogger(),
    tasks: [remind],
    ...options,
  });
  onTestFinished(() => client.stop());
  return client;
}

describe("createClient", () => {
  it("adds jobs for tasks that another program runs, checked and with their defaults", async () => {
    const pool = (await migratedDatabase()).pool();
    const client = make({ pool });
    const id = idOf(await client.addJob(remind, { to: "a" }));
    expect(await client.engine.get(id)).toMatchObject({
      state: "ready",
      job: { task_identifier: "remind", payload: { to: "a" }, max_attempts: 3 },
    });
    const wrong = client.addJob(remind, { to: 5 } as never);
    await expect(wrong).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
  });

  it("makes what is missing in an empty database at the first job", async () => {
    const pool = (await testDatabase({ template: "template1" })).pool();
    const client = make({ pool });
    const [one, two] = await Promise.all([
      client.addJob(remind, { to: "a" }),
      client.addJobs([{ task: remind, payload: { to: "b" } }]),
    ]);
    expect(new Set([idOf(one), idOf(two[0])]).size).toBe(2);
  });

  it("starts and stops plugins, asks beforeEnqueue, and runs nothing", async () => {
    const log: string[] = [];
    const client = make({
      pool: (await migratedDatabase()).pool(),
      plugins: [
        plugin("p", ({ mode, activity }) => ({
          start: () => void log.push(`start ${mode} ${JSON.stringify(activity())}`),
          stop: () => void log.push("stop"),
          beforeEnqueue: entry(() => void log.push("beforeEnqueue")),
          beforeRun: gate(() => void log.push("beforeRun")),
        })),
      ],
    });
    await client.addJob(remind, { to: "a" });
    await client.start();
    await client.stop();
    await client.stop();
    expect(log).toEqual(['start client {"running":0,"concurrency":1}', "beforeEnqueue", "stop"]);
  });

  it("gives plugins' APIs, commands and panels, typed by the plugins", async () => {
    const run = async () => 0;
    const dlq = definePlugin({
      name: "dlq",
      producers: "not-covered",
      setup: ({ plugin: other }) => ({
        api: { size: () => 3, neighbour: () => other("nobody" as never) },
        commands: [{ name: "dlq list", description: "", run }],
        panels: [{ id: "dlq", title: "Dead letters", load: async () => [] }],
      }),
    });
    const client = make({ connectionString: "postgres://nobody@127.0.0.1:1/x", plugins: [dlq] });
    const size: number = client.plugins.dlq.size();
    expect(size).toBe(3);
    expect(client.plugins.dlq.neighbour()).toBeUndefined();
    expect(client.commands.map(({ name }) => name)).toEqual(["dlq list"]);
    expect(client.panels.map(({ id }) => id)).toEqual(["dlq"]);
  });

  it("leaves a pool of the user's open, and ends one of its own", async () => {
    const database = await migratedDatabase();
    const pool = database.pool();
    const borrowing = make({ pool });
    await borrowing.addJob(remind, { to: "a" });
    await borrowing.stop();
    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    const owning = make({ connectionString: database.url });
    expect(await owning.query("select 1 as one")).toEqual([{ one: 1 }]);
    await owning.stop();
    expect((await errorOf(owning.query("select 1"))).message).toContain("pool");
  });

  it.each(["a pool of its own", "a pool of the user's"])(
    "adds no jobs after stop, with %s",
    async (whose) => {
      const database = await migratedDatabase();
      const pool = database.pool();
      const client = make(whose.includes("user") ? { pool } : { connectionString: database.url });
      await client.addJob(remind, { to: "a" });
      await client.stop();
      for (const add of [
        () => client.addJob(remind, { to: "b" }),
        () => client.addJobs([{ task: remind, payload: { to: "b" } }]),
      ])
        expect((await errorOf(add())).message).toBe(
          "the client was stopped; make a new one to add jobs",
        );
      expect((await pool.query("select from graphile_worker.jobs")).rowCount).toBe(1);
    },
  );

  it("runs a transaction, which jobs may be added in", async () => {
    const client = make({ pool: (await migratedDatabase()).pool() });
    await client.start();
    const result = await client.transaction(async (query) => {
      await query("create table orders (id int)");
      return client.addJob(remind, { to: "a" }, { client: query });
    });
    expect(await client.engine.ids({ tasks: ["remind"] })).toEqual([idOf(result)]);
    await errorOf(
      client.transaction(async (query) => {
        await client.addJob(remind, { to: "b" }, { client: query });
        await query("insert into orders values ('x')");
      }),
    );
    expect(await client.engine.ids({ tasks: ["remind"] })).toEqual([idOf(result)]);
  });

  it("refuses to add jobs while plugins are being set up", () => {
    const eager = plugin("eager", ({ addJob }) => {
      void addJob("remind", {});
      return {};
    });
    expect(() =>
      make({ connectionString: "postgres://nobody@127.0.0.1:1/x", plugins: [eager] }),
    ).toThrow("a plugin's setup adds no jobs: that waits for its start");
  });
});
