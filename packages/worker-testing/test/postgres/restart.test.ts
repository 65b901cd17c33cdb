import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgres, type TestPostgres } from "../../src/postgres/index.ts";
import { isAlive } from "../../src/postgres/process-identity.ts";
import { serverPidIn } from "./server-child.ts";

describe("a server of our own", () => {
  let postgres: TestPostgres;
  const folder = () => postgres.folder ?? "";

  beforeAll(async () => {
    postgres = await startPostgres({ url: false, settings: { work_mem: "7MB" } });
  });
  afterAll(() => postgres.stop());

  it.each(["fast", "immediate"] as const)("keeps its data over a %s restart", async (mode) => {
    const database = await postgres.createDatabase();
    const pool = database.pool();
    await pool.query("create table kept as select 1 as it");
    const pid = serverPidIn(folder());

    await postgres.restart({ mode });

    expect(serverPidIn(folder())).not.toBe(pid);
    expect((await pool.query("select it from kept")).rows).toEqual([{ it: 1 }]);
    await database.drop();
  });

  it("is down in between", async () => {
    const database = await postgres.createDatabase();
    const pool = database.pool();
    const whileDown = async () => {
      await expect(pool.query("select 1")).rejects.toThrow("ECONNREFUSED");
    };
    await postgres.restart({ whileDown });
    await pool.query("select 1");
    expect.assertions(1);
  });

  it("rejects the query that a restart cuts off, and nothing else", async () => {
    const database = await postgres.createDatabase();
    const pool = database.pool();
    const client = await pool.connect();
    const cutOff = expect(client.query("select pg_sleep(60)")).rejects.toThrow("terminat");
    await postgres.restart({ mode: "fast" });
    await cutOff;
    client.release(true);
    await pool.query("select 1");
  });

  it("takes settings, which win over the defaults for tests", async () => {
    const pool = (await postgres.createDatabase()).pool();
    const { rows } = await pool.query(
      "select current_setting('work_mem') as memory, current_setting('fsync') as fsync",
    );
    expect(rows).toEqual([{ memory: "7MB", fsync: "off" }]);
  });

  it("leaves nothing behind when it is stopped", async () => {
    const other = await startPostgres({ url: false, durable: true });
    const pool = (await other.createDatabase()).pool();
    expect((await pool.query("show fsync")).rows).toEqual([{ fsync: "on" }]);
    const pid = serverPidIn(other.folder ?? "");
    await Promise.all([other.stop(), other.stop()]);
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(other.folder ?? "")).toBe(false);
    expect(pool.ended).toBe(true);
  });
});
