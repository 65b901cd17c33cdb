import type { Pool } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { startPostgres, type TestPostgres } from "../../src/postgres/index.ts";

const login = (url: string, role: string): string => {
  const changed = new URL(url);
  changed.username = role;
  changed.password = "secret";
  return changed.href;
};

describe("startPostgres with DATABASE_URL", () => {
  let server: TestPostgres;
  let admin: Pool;

  const databases = async (): Promise<string[]> => {
    const { rows } = await admin.query(
      "select datname from pg_database where datdba = 'app'::regrole order by datname",
    );
    return rows.map((row) => row.datname);
  };

  beforeAll(async () => {
    server = await startPostgres({ url: false });
    admin = (await server.createDatabase()).pool();
    await admin.query("create role app login createdb password 'secret'");
    await admin.query("create role guest login password 'secret'");
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    vi.stubEnv("DATABASE_URL", login(server.url(), "app"));
    return () => vi.unstubAllEnvs();
  });

  it("creates databases on that server and drops them all at the end", async () => {
    const postgres = await startPostgres();
    const template = await postgres.template("numbers", ({ pool }) =>
      pool().query("create table numbers as select 1 as n"),
    );
    const database = await postgres.createDatabase({ template });
    expect((await database.pool().query("select n from numbers")).rows).toEqual([{ n: 1 }]);
    expect(await databases()).toEqual([database.name, template].sort());
    await postgres.stop();
    expect(await databases()).toEqual([]);
  });

  it("does not restart a server that is not ours", async () => {
    const postgres = await startPostgres();
    onTestFinished(() => postgres.stop());
    await expect(postgres.restart()).rejects.toMatchObject({ code: "NOT_EMBEDDED" });
  });

  it("drops what a killed run has left, and not what a live one uses", async () => {
    const live = await startPostgres();
    const used = await live.createDatabase();
    const app = (await server.createDatabase()).pool();
    await admin.query("grant app to current_user");
    await app.query("create database oppulence_test_0badc0de_1 owner app");
    await app.query("create database oppulence_test_0badc0de_2 owner app is_template true");
    await app.query("create database precious owner app");

    const next = await startPostgres();
    expect(await databases()).toEqual([used.name, "precious"]);
    await next.stop();
    await live.stop();
    expect(await databases()).toEqual(["precious"]);
    await app.query("drop database precious");
  });

  it("announces itself again when its connection is lost", async () => {
    const postgres = await startPostgres();
    onTestFinished(() => postgres.stop());
    const present = async () =>
      (
        await admin.query("select pid from pg_stat_activity where application_name = $1", [
          `oppulence-test-${postgres.access.run}`,
        ])
      ).rows[0]?.pid;
    const pid = await present();
    await admin.query("select pg_terminate_backend($1)", [pid]);
    await vi.waitUntil(async () => ![undefined, pid].includes(await present()), { timeout: 5_000 });
  });

  it("names the right that the role lacks", async () => {
    await expect(startPostgres({ url: login(server.url(), "guest") })).rejects.toMatchObject({
      code: "MISSING_PRIVILEGE",
      message: expect.stringMatching(
        /^the role "guest" lacks the right CREATEDB on 127\.0\.0\.1:\d+: run `alter role "guest" createdb`/,
      ),
    });
  });

  it("says where it could not connect, and why, without the password", async () => {
    const refused = startPostgres({ url: login(server.url(), "nobody") });
    await expect(refused).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringMatching(
        /at 127\.0\.0\.1:\d+ \(DATABASE_URL\): password authentication/,
      ),
    });
    await expect(refused).rejects.not.toThrow("secret");
    const nowhere = startPostgres({ url: "postgres://app:secret@127.0.0.1:1/app" });
    await expect(nowhere).rejects.toThrow(/at 127\.0\.0\.1:1 .*ECONNREFUSED/);
  });

  it.each([
    ["localhost:5432", "a localhost: URL"],
    ["mysql://localhost/app", "a mysql: URL"],
    ["host=localhost", "no URL"],
  ])("says what a URL should look like, given %s", async (url, got) => {
    await expect(startPostgres({ url })).rejects.toMatchObject({
      code: "INVALID_URL",
      message: `the URL of the PostgreSQL server (DATABASE_URL) should look like postgres://user:password@127.0.0.1:5432/database, got ${got}`,
    });
  });
});
