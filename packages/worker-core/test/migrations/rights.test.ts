import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { inspect } from "node:util";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { migrate, pendingMigrations } from "../../src/migrations/migrate.ts";
import { migrationSet } from "./sql-folder.ts";

const CREATE_A = "create table :SCHEMA.demo_a (id int);";
const PASSWORD = "s3cr3t-word";

/** A database with a role that may do nothing but connect. */
async function withRole() {
  const role = `role_${randomBytes(6).toString("hex")}`;
  const database = await testDatabase();
  const owner = database.pool();
  await owner.query(`create role ${role} login password '${PASSWORD}'`);
  const url = new URL(database.url);
  url.username = role;
  url.password = PASSWORD;
  const pool = new pg.Pool({ connectionString: url.href });
  // Dropping the database may catch a client that is still closing.
  pool.on("error", () => {});
  onTestFinished(async () => {
    await pool.end();
    await owner.query(`drop owned by ${role}`);
    await owner.query(`drop role ${role}`);
  });
  return { role, database, owner, pool, url };
}

const demo = () => migrationSet("demo", { "000001_create_a.sql": CREATE_A });

describe("migrate without rights", () => {
  it("asks for the right to create the schema, and works once it is granted", async () => {
    const { role, database, owner, pool } = await withRole();
    const sets = [await demo()];
    const error = await migrate({ pool, sets, mode: "auto" }).catch((thrown: unknown) => thrown);
    const grant = `grant create on database "${database.name}" to "${role}";`;
    expect(error).toMatchObject({
      code: "MISSING_RIGHT",
      name: "MissingRightError",
      right: `CREATE on database "${database.name}"`,
      grant,
      message: `role "${role}" lacks the right CREATE on database "${database.name}". As an owner of the database, run: ${grant}`,
    });
    await owner.query(grant);
    expect((await migrate({ pool, sets, mode: "auto" })).applied).toHaveLength(1);
  });

  it.each(["auto", "verify"] as const)(
    "asks in mode %s for the right to use a schema that is there",
    async (mode) => {
      const { role, owner, pool } = await withRole();
      const sets = [await demo()];
      await migrate({ pool: owner, sets, mode: "auto" });
      const error = await migrate({ pool, sets, mode }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        right: 'USAGE on schema "oppulence_worker"',
        grant: `grant usage, create on schema "oppulence_worker" to "${role}";`,
      });
      await owner.query((error as { grant: string }).grant);
      const second = await migrate({ pool, sets, mode }).catch((thrown: unknown) => thrown);
      expect(second).toMatchObject({
        right: 'SELECT on table "oppulence_worker".core_migrations',
        grant: `grant select, insert on "oppulence_worker".core_migrations to "${role}";`,
      });
      await owner.query((second as { grant: string }).grant);
      expect(await migrate({ pool, sets, mode })).toMatchObject({ alreadyApplied: 1 });
    },
  );

  it("asks for the right to create in a schema that was made beforehand", async () => {
    const { role, owner, pool } = await withRole();
    await owner.query(
      `create schema oppulence_worker; grant usage on schema oppulence_worker to ${role}`,
    );
    await expect(migrate({ pool, sets: [await demo()], mode: "auto" })).rejects.toThrow(
      `lacks the right CREATE on schema "oppulence_worker". As an owner of the database, run: grant usage, create on schema "oppulence_worker" to "${role}";`,
    );
  });

  it("works in a schema that was made beforehand, without the right to create schemas", async () => {
    const { role, owner, pool } = await withRole();
    await owner.query(`create schema oppulence_worker authorization ${role}`);
    expect((await migrate({ pool, sets: [await demo()], mode: "auto" })).applied).toHaveLength(1);
  });

  it("needs no right to write when nothing is missing", async () => {
    const { role, owner, pool } = await withRole();
    const sets = [await demo()];
    await migrate({ pool: owner, sets, mode: "auto" });
    await owner.query(`grant usage on schema oppulence_worker to ${role};
      grant select on oppulence_worker.core_migrations to ${role}`);
    expect(await migrate({ pool, sets, mode: "auto" })).toMatchObject({ alreadyApplied: 1 });
    expect(await pendingMigrations({ pool, sets })).toMatchObject({ pending: [] });
  });

  it("says whose objects a migration changes, and applies nothing", async () => {
    const { role, owner, pool } = await withRole();
    const first = { "000001_create_a.sql": CREATE_A };
    await migrate({ pool: owner, sets: [await migrationSet("demo", first)], mode: "auto" });
    await owner.query(`grant usage, create on schema oppulence_worker to ${role};
      grant select, insert on oppulence_worker.core_migrations to ${role}`);
    const sets = [
      await migrationSet("demo", {
        ...first,
        "000002_alter_a.sql":
          "create table :SCHEMA.demo_b (); alter table :SCHEMA.demo_a add b int;",
      }),
    ];
    const error = await migrate({ pool, sets, mode: "auto" }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "MISSING_RIGHT",
      right: 'to change the objects in schema "oppulence_worker" (must be owner of table demo_a)',
      grant: expect.stringMatching(new RegExp(`^grant "\\w+" to "${role}";$`)),
    });
    const { rows } = await owner.query("select to_regclass('oppulence_worker.demo_b') as found");
    expect(rows).toEqual([{ found: null }]);
  });

  it("names the database that the role may not connect to", async () => {
    const { database, owner, pool } = await withRole();
    await owner.query(`revoke connect on database "${database.name}" from public`);
    await expect(migrate({ pool, sets: [await demo()], mode: "auto" })).rejects.toMatchObject({
      code: "MISSING_RIGHT",
      right: `CONNECT on database "${database.name}"`,
      message: expect.stringContaining(`grant connect on database "${database.name}" to`),
    });
  });
});

describe("migrate without a connection", () => {
  /** A port on which nobody listens. */
  async function closedPort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  async function failure(config: pg.PoolConfig): Promise<Error> {
    const pool = new pg.Pool(config);
    onTestFinished(() => pool.end());
    const error = await migrate({ pool, sets: [await demo()], mode: "auto" }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "DATABASE_UNREACHABLE", name: "DatabaseUnreachableError" });
    expect(inspect(error, { depth: 10 })).not.toContain(PASSWORD);
    return error as Error;
  }

  it("names the address of a server that is not there, and never the password", async () => {
    const port = await closedPort();
    const error = await failure({
      connectionString: `postgres://me:${PASSWORD}@127.0.0.1:${port}/app`,
    });
    expect(error.message).toBe(
      `cannot reach PostgreSQL at 127.0.0.1:${port}/app: connect ECONNREFUSED 127.0.0.1:${port}`,
    );
  });

  it("has a message where a host has several addresses, all of them refused", async () => {
    const port = await closedPort();
    const error = await failure({ host: "localhost", port, database: "app", password: PASSWORD });
    expect(error.message).toContain(`cannot reach PostgreSQL at localhost:${port}/app: `);
    expect(error.message).toContain("ECONNREFUSED");
  });

  it("says that the login was refused", async () => {
    const { url } = await withRole();
    url.password = "wrong";
    const error = await failure({ connectionString: url.href });
    expect(error.message).toMatch(
      /password authentication failed.*; check the user and the password$/,
    );
  });

  it("names a database that does not exist", async () => {
    const url = new URL((await testDatabase()).url);
    url.pathname = "/no_such_database";
    const error = await failure({ connectionString: url.href });
    expect(error.message).toMatch(
      /\/no_such_database: database "no_such_database" does not exist; check the database's name/,
    );
  });

  it("does not repeat a connection string that cannot be read", async () => {
    const error = await failure({ connectionString: `postgres://me:${PASSWORD}@db:port/app` });
    expect(error.message).toContain("cannot reach PostgreSQL at (unreadable connection string)");
  });
});
