import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  type ClientOptions,
  createClient,
  createWorker,
  defineTask,
  isDatabaseUnreachableError,
  isMigrationChangedError,
  isMissingRightError,
  type Worker,
  type WorkerOptions,
} from "../../src/index.ts";
import { NOWHERE, problemsOf } from "../support/configuration.ts";
import { plugin } from "../support/plugins.ts";
import { errorOf } from "../support/results.ts";
import { quietLogger } from "../support/worker.ts";

const task = defineTask({ identifier: "t", run: () => {} });

function make(options: WorkerOptions): Worker {
  const worker = createWorker({
    config: false,
    handleSignals: false,
    logger: quietLogger(),
    tasks: [task],
    ...options,
  });
  onTestFinished(() => worker.stop());
  return worker;
}

/** Schemas that a start would have made. */
const schemas = `select nspname from pg_namespace where nspname in ('oppulence_worker', 'graphile_worker') order by nspname`;

describe("createWorker without a database", () => {
  it("says where one may be given", () => {
    for (const name of ["DATABASE_URL", "PGDATABASE"]) vi.stubEnv(name, undefined);
    onTestFinished(() => void vi.unstubAllEnvs());
    const options: ClientOptions = { config: false, tasks: [task] };
    const message =
      "no database: give connectionString or pool, or set DATABASE_URL (or PGDATABASE and its kin) in the environment";
    expect(() => createWorker(options)).toThrow(message);
    expect(() => createClient(options)).toThrow(message);
    vi.stubEnv("DATABASE_URL", NOWHERE);
    expect(() => createWorker(options)).not.toThrow();
  });

  it("refuses two databases", async () => {
    const pool = (await testDatabase()).pool();
    expect(problemsOf({ tasks: [task], pool, connectionString: NOWHERE })).toEqual([
      "got both pool and connectionString; give one of them",
    ]);
  });

  it("refuses a schema's name that cannot be used", () => {
    for (const schema of ["", "pg_mine", 'a"b', "x".repeat(64), "9a"])
      expect(problemsOf({ tasks: [task], schema })).toEqual([
        expect.stringMatching(
          /^database: schema: got .*; a schema's name starts with a letter or _/,
        ),
      ]);
    expect(problemsOf({ tasks: [task], schema: "Grüße und-mehr_1" })).toEqual([]);
  });
});

describe("start with a database that cannot be used", () => {
  it("names host, port and database when nobody answers, and no password", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const worker = make({
      connectionString: `postgres://app:s3cr3t-word@127.0.0.1:${port}/orders`,
    });
    for (const attempt of [() => worker.start(), () => worker.addJob(task, {})]) {
      const error = await errorOf(attempt());
      expect(isDatabaseUnreachableError(error)).toBe(true);
      expect(error).toMatchObject({
        name: "DatabaseUnreachableError",
        code: "DATABASE_UNREACHABLE",
        address: `127.0.0.1:${port}/orders`,
      });
      expect(error.message).toContain(`cannot reach PostgreSQL at 127.0.0.1:${port}/orders: `);
      expect(error.message).toContain("ECONNREFUSED");
      expect(inspect(error, { depth: 5 })).not.toContain("s3cr3t-word");
    }
    expect((await worker.health()).status).toBe("down");
  });

  it("says what to check when the login is refused, or the database is not there", async () => {
    const database = await testDatabase();
    const wrong = new URL(database.url);
    wrong.username = `nobody_${randomBytes(4).toString("hex")}`;
    wrong.password = "s3cr3t-word";
    const missing = new URL(database.url);
    missing.pathname = "/no_such_database";
    for (const [url, hint] of [
      [wrong, "check the user"],
      [missing, "check the database's name, or create it"],
    ] as const) {
      const error = await errorOf(make({ connectionString: url.href }).start());
      expect(error).toMatchObject({ code: "DATABASE_UNREACHABLE" });
      expect(error.message).toContain(hint);
      expect(inspect(error, { depth: 5 })).not.toContain("s3cr3t-word");
    }
  });

  it("names the right that the role lacks and the statement that grants it, and does nothing", async () => {
    const role = `role_${randomBytes(6).toString("hex")}`;
    const database = await testDatabase({ template: "template1" });
    const owner = database.pool();
    await owner.query(`create role ${role} login password 'p'`);
    const url = new URL(database.url);
    url.username = role;
    url.password = "p";
    let started = 0;
    const worker = make({
      connectionString: url.href,
      plugins: [plugin("p", { start: () => void started++ })],
    });
    onTestFinished(async () => {
      await owner.query(`drop owned by ${role}`);
      await owner.query(`drop role ${role}`);
    });
    const error = await errorOf(worker.start());
    expect(isMissingRightError(error)).toBe(true);
    const grant = `grant create on database "${database.name}" to "${role}";`;
    expect(error).toMatchObject({
      code: "MISSING_RIGHT",
      right: `CREATE on database "${database.name}"`,
      grant,
    });
    expect((await owner.query(schemas)).rows).toEqual([]);
    expect(started).toBe(0);
    // The same worker starts once it may.
    await owner.query(grant);
    await worker.start();
    expect(started).toBe(1);
    expect((await owner.query(schemas)).rows).toHaveLength(2);
    await worker.stop();
  });

  it("refuses a migration that was edited after it ran, and applies no other", async () => {
    const folder = await mkdtemp(join(tmpdir(), "oppulence-sql-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const first = join(folder, "000001_make.sql");
    await writeFile(first, "create table :SCHEMA.demo_a (id int);");
    const database = await testDatabase();
    const pool = database.pool();
    let started = 0;
    const options = () => ({
      pool,
      plugins: [
        plugin(
          "demo",
          { start: () => void started++ },
          { migrations: { directory: pathToFileURL(`${folder}/`) } },
        ),
      ],
    });
    await make(options()).start();
    await writeFile(first, "create table :SCHEMA.demo_a (id bigint);");
    await writeFile(join(folder, "000002_more.sql"), "create table :SCHEMA.demo_b (id int);");
    const error = await errorOf(make(options()).start());
    expect(isMigrationChangedError(error)).toBe(true);
    expect(error).toMatchObject({ code: "MIGRATION_CHANGED" });
    expect(error.message).toContain("a migration was edited after running: ");
    expect(error.message).toContain("000001_make.sql of demo (sha256 when it ran: ");
    expect(error.message).toContain("Restore the file, and put the change into a new migration");
    expect((await pool.query("select to_regclass('oppulence_worker.demo_b') as b")).rows).toEqual([
      { b: null },
    ]);
    expect(started).toBe(1);
  });

  it("in mode verify names what is missing and the command, and makes nothing", async () => {
    const database = await testDatabase({ template: "template1" });
    const pool = database.pool();
    const error = await errorOf(make({ pool, migrations: "verify" }).start());
    expect(error).toMatchObject({ code: "MIGRATIONS_PENDING" });
    expect(error.message).toContain("core/000001_create_notes");
    expect(error.message).toContain("Run `npx oppulence-worker migrate`, then start again");
    expect((await pool.query(schemas)).rows).toEqual([]);
    const off = await errorOf(make({ pool, migrations: "of" as never }).start());
    expect(off.message).toBe('migrations: mode: got "of"; it is "auto", "verify" or "off"');
  });

  it("stops the plugins that had started when a later one cannot, and may try again", async () => {
    const log: string[] = [];
    let fails = true;
    const pool = (await testDatabase()).pool();
    const worker = make({
      pool,
      plugins: [
        plugin("first", {
          start: () => void log.push("first started"),
          stop: () => void log.push("first stopped"),
        }),
        plugin("second", {
          start: async () => {
            if (fails) throw new Error("no Redis");
            log.push("second started");
          },
          stop: () => void log.push("second stopped"),
        }),
      ],
    });
    await expect(worker.start()).rejects.toThrow("no Redis");
    expect(log.splice(0)).toEqual(["first started", "first stopped"]);
    fails = false;
    await worker.start();
    await worker.stop();
    expect(log).toEqual(["first started", "second started", "second stopped", "first stopped"]);
  });
});
