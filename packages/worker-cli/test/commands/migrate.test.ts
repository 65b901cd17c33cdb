import { pathToFileURL } from "node:url";
import { definePlugin } from "@oppulence/worker-core";
import { testDatabase, usePostgres } from "@oppulence/worker-testing/vitest";
import { describe, expect, it, onTestFinished } from "vitest";
import { cli } from "../command-line.ts";
import { project } from "../project.ts";
import { config } from "../sample-config.ts";

async function withMigrations(files: Readonly<Record<string, string>>) {
  const folder = await project(files);
  return definePlugin({
    name: "things",
    producers: "not-covered",
    migrations: { directory: pathToFileURL(`${folder}/sql/`) },
    setup: () => ({}),
  });
}

const TWO = {
  "sql/000001_create_things.sql": "create table :SCHEMA.things (id int);",
  "sql/000002_add_names.sql": "alter table :SCHEMA.things add column name text;",
};

describe("migrate", () => {
  it("applies what is missing and tells what, then has nothing to do", async () => {
    const { url } = await testDatabase();
    const options = { config: config(url, await withMigrations(TWO)) };
    const first = await cli(["migrate"], options);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toMatch(/^PLUGIN +MIGRATION\n/);
    for (const name of ["create_notes", "000001_create_things", "000002_add_names"]) {
      expect(first.stdout).toContain(name);
    }
    const second = await cli(["migrate", "--json"], options);
    expect(JSON.parse(second.stdout)).toMatchObject({ applied: [], ahead: [] });
  });

  it("sets an empty database up, graphile-worker's tables included", async () => {
    const database = await usePostgres().createDatabase();
    onTestFinished(() => database.drop());
    const verify = await cli(["migrate", "--verify", "--json"], { config: config(database.url) });
    const { pending } = JSON.parse(verify.stdout) as { pending: { plugin: string }[] };
    const { code, stdout } = await cli(["migrate", "--json"], { config: config(database.url) });
    expect(code).toBe(0);
    const { applied } = JSON.parse(stdout) as { applied: { plugin: string }[] };
    expect(verify.code).toBe(1);
    expect(applied).toEqual(pending);
    expect(new Set(applied.map(({ plugin }) => plugin))).toEqual(
      new Set(["graphile-worker", "core"]),
    );
    expect(await cli(["jobs", "list"], { config: config(database.url) })).toMatchObject({
      code: 3,
    });
  });

  it("applies although the config says verify", async () => {
    const { url } = await testDatabase();
    const options = { config: { ...config(url), migrations: "verify" as const } };
    expect(await cli(["migrate"], options)).toMatchObject({ code: 0 });
  });

  it("says that a role lacks a right, and which", async () => {
    const database = await testDatabase();
    const role = `role_${database.name}`.slice(0, 60);
    await database.pool().query(`create role ${role} login password 'secret'`);
    onTestFinished(async () => void (await usePostgresRole(role)));
    const url = new URL(database.url);
    url.username = role;
    url.password = "secret";
    const { code, stderr } = await cli(["migrate"], { config: config(url.href) });
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: role ".*" lacks the right CREATE on database/);
  });

  it("undoes everything when a migration fails", async () => {
    const { url } = await testDatabase();
    const plugin = await withMigrations({
      "sql/000001_create_things.sql": "create tabel things ();",
    });
    const { code, stdout } = await cli(["migrate", "--json"], { config: config(url, plugin) });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        code: "MIGRATION_FAILED",
        message: expect.stringContaining("things/000001_create_things"),
      },
    });
  });
});

describe("migrate --verify", () => {
  it("exits with 1, names what is pending and applies nothing", async () => {
    const { url } = await testDatabase();
    const options = { config: config(url, await withMigrations(TWO)) };
    for (let time = 0; time < 2; time++) {
      const { code, stdout } = await cli(["migrate", "--verify"], options);
      expect(code).toBe(1);
      for (const name of ["create_notes", "000001_create_things", "000002_add_names"]) {
        expect(stdout).toContain(name);
      }
    }
    const { code, stdout } = await cli(["migrate", "--verify", "--json"], options);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).pending).toContainEqual({
      plugin: "things",
      migration: "000002_add_names",
    });
  });

  it("exits with 0 when nothing is pending", async () => {
    const { url } = await testDatabase();
    const options = { config: config(url) };
    await cli(["migrate"], options);
    expect(await cli(["migrate", "--verify"], options)).toMatchObject({ code: 0, stderr: "" });
  });

  it("names a migration that was edited after it ran", async () => {
    const { url } = await testDatabase();
    await cli(["migrate"], { config: config(url, await withMigrations(TWO)) });
    const edited = { ...TWO, "sql/000002_add_names.sql": "select 1;" };
    const { code, stderr } = await cli(["migrate", "--verify"], {
      config: config(url, await withMigrations(edited)),
    });
    expect(code).toBe(1);
    expect(stderr).toContain("000002_add_names.sql of things");
  });
});

/** Roles belong to the server: they outlive the test's database. */
async function usePostgresRole(role: string): Promise<void> {
  const admin = await usePostgres().createDatabase();
  await admin.pool().query(`drop role if exists ${role}`);
  await admin.drop();
}
