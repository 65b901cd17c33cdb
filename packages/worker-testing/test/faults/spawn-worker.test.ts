import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { conditions } from "../../src/faults/child-process.ts";
import { until } from "../../src/harness/until.ts";
import { createHarness, isFaultError, recoverPools, spawnWorker } from "../../src/index.ts";
import { isAlive } from "../../src/postgres/process-identity.ts";
import { testDatabase } from "../../src/vitest.ts";

const url = new URL("./fixtures/slow-worker.ts", import.meta.url);

describe("spawnWorker", { timeout: 60_000 }, () => {
  it("runs a worker in another process, and tells what happens there", async () => {
    const database = await testDatabase();
    await using spawned = spawnWorker(url, {
      database,
      enqueue: [{ task: "quick", payload: {}, labels: { a: "b" } }],
      env: { SAY: "hello from the task" },
    });
    await spawned.ready;
    expect(spawned.pid).not.toBe(process.pid);
    const event = await spawned.waitFor(({ name }) => name === "job:succeeded");
    expect(event).toEqual({ name: "job:succeeded", id: "1", task: "quick", attempts: 1 });
    expect(await spawned.waitFor(({ name }) => name === "job:started")).toBeDefined();
    expect(spawned.pools).toHaveLength(1);
    expect(await spawned.kill()).toEqual({ code: null, signal: "SIGKILL" });
    expect(spawned.output()).toContain("hello from the task");
  });

  it("stops in order on SIGTERM, and gives its jobs back", async () => {
    const database = await testDatabase();
    await using spawned = spawnWorker(url, {
      database,
      data: { stopTimeout: 50 },
      enqueue: [{ task: "slow", payload: {} }],
    });
    await spawned.waitFor(({ name }) => name === "job:started");
    expect(await spawned.kill("SIGTERM")).toEqual({ code: null, signal: "SIGTERM" });
    expect(spawned.events.map(({ name }) => name)).toContain("job:interrupted");
    const { rows } = await database
      .pool()
      .query("select attempts, locked_by from graphile_worker.jobs");
    expect(rows).toEqual([{ attempts: 0, locked_by: null }]);
  });

  it("leaves locks behind when it is killed, which recoverPools gives back", async () => {
    const database = await testDatabase();
    await using spawned = spawnWorker(url, { database, enqueue: [{ task: "slow", payload: {} }] });
    await spawned.waitFor(({ name }) => name === "job:started");
    await spawned.kill();
    await using harness = await createHarness({ database, taskList: { slow: () => {} } });
    const owner = await harness.worker.engine.lockOwners();
    expect(owner.map(({ pool }) => pool)).toEqual(spawned.pools);
    expect(await recoverPools(harness.worker.engine, ["pool-of-somebody-else"])).toBe(0);
    expect(await recoverPools(harness.worker.engine, spawned.pools)).toBe(1);
    await harness.waitFor("1", "succeeded");
  });

  it("ends with the process that started it, however that one ends", async () => {
    const database = await testDatabase();
    const parent = spawn(
      process.execPath,
      [
        ...conditions(process.execArgv),
        new URL("./fixtures/parent.ts", import.meta.url).pathname,
        database.url,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    const ended = await until(async () => (isAlive(pid) ? undefined : true), { timeoutMs: 10_000 });
    expect(ended).toBe(true);
  });

  it("says why a worker could not start", async () => {
    const nowhere = { url: "postgres://nobody:nothing@127.0.0.1:1/none" };
    await using spawned = spawnWorker(url, { database: nowhere });
    const error = await spawned.ready.catch((thrown: unknown) => thrown);
    expect(isFaultError(error, "CHILD_FAILED")).toBe(true);
    expect((error as Error).message).toMatch(
      /the child failed: DatabaseUnreachableError: cannot reach PostgreSQL at 127\.0\.0\.1:1\/none/,
    );
    expect(await spawned.exited).toEqual({ code: 1, signal: null });
  });

  it("says what it saw instead of an event that never comes", async () => {
    const database = await testDatabase();
    await using spawned = spawnWorker(url, { database, enqueue: [{ task: "quick", payload: {} }] });
    await spawned.waitFor(({ name }) => name === "job:succeeded");
    const never = spawned.waitFor(({ name }) => name === "job:deferred", { timeout: 50 });
    await expect(never).rejects.toThrow(
      /^waited 50 ms for an event of process \d+; the last ones were: job:started 1, job:succeeded 1/,
    );
  });
});

describe("conditions", () => {
  it("keeps the conditions of a command line, however they are written, and nothing else", () => {
    const line = [
      "--inspect",
      "--conditions=a",
      "-C",
      "b",
      "--conditions",
      "c",
      "-Cd",
      "--require",
      "x",
    ];
    expect(conditions(line)).toEqual(["--conditions=a", "--conditions=b", "--conditions=c", "-Cd"]);
  });
});
