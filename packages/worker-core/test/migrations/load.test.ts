import { describe, expect, it } from "vitest";
import { coreMigrations } from "../../src/core-migrations.ts";
import { isInvalidMigrationError } from "../../src/migrations/errors.ts";
import { loadMigrations } from "../../src/migrations/load.ts";
import { migrationSet, sqlFolder } from "./sql-folder.ts";

describe("loadMigrations", () => {
  it("reads files in the order of their numbers and leaves others alone", async () => {
    const set = await migrationSet("cron", {
      "000002_add_zone.sql": "select 2;",
      "000001_create_schedules.sql": "select 1;",
      "README.md": "not a migration",
    });
    expect(set).toMatchObject({
      plugin: "cron",
      migrations: [
        { plugin: "cron", id: 1, name: "create_schedules", file: "000001_create_schedules.sql" },
        { plugin: "cron", id: 2, name: "add_zone", file: "000002_add_zone.sql", sql: "select 2;" },
      ],
    });
  });

  it("reads a folder whose URL does not end in a slash", async () => {
    const { directory } = await sqlFolder({ "000001_a.sql": "select 1;" });
    const source = { directory: new URL(directory.href.replace(/\/$/, "")) };
    expect((await loadMigrations("cron", source)).migrations).toHaveLength(1);
  });

  it("gives the same checksum whatever the line endings", async () => {
    const checksums = [];
    for (const text of ["a\nb\n", "a\r\nb\r\n", "a\rb\r", "\uFEFFa\nb\n", "a\nb"]) {
      const { migrations } = await migrationSet("cron", { "000001_a.sql": text });
      checksums.push(migrations[0]?.checksum);
    }
    expect(new Set(checksums.slice(0, 4)).size).toBe(1);
    expect(checksums[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(checksums[4]).not.toBe(checksums[0]);
  });

  it("reads the core's own", async () => {
    const { migrations } = await loadMigrations("core", coreMigrations);
    expect(migrations[0]).toMatchObject({ id: 1, name: "create_notes" });
  });

  it.each<[string, Record<string, string>, string]>([
    ["an empty folder", {}, "no .sql file in"],
    [
      "a gap",
      { "000001_a.sql": "", "000003_c.sql": "" },
      "000003_c.sql comes where number 000002 is missing",
    ],
    ["a first number other than 1", { "000002_a.sql": "" }, "where number 000001 is missing"],
    ["number 0", { "000000_a.sql": "" }, "000000_a.sql"],
    [
      "a repeated number",
      { "000001_a.sql": "", "000001_b.sql": "" },
      "000001_b.sql has the number of 000001_a.sql",
    ],
    ["a short number", { "1_a.sql": "" }, "got the file 1_a.sql; a name is six digits"],
    ["capitals", { "000001_CreateNotes.sql": "" }, "lower snake case"],
    [
      "a file outside of a transaction",
      { "000001_a.sql": "-- no-transaction\ncreate index concurrently i on t (a);" },
      "000001_a.sql asks for no-transaction, which is not supported",
    ],
    ["a commit", { "000001_a.sql": "select 1;\nCOMMIT;\n" }, "000001_a.sql contains `COMMIT;`"],
    ["a begin", { "000001_a.sql": "begin transaction;" }, "contains `begin transaction;`"],
  ])("refuses %s by name", async (_, files, message) => {
    const error = await migrationSet("cron", files).catch((thrown: unknown) => thrown);
    expect(isInvalidMigrationError(error)).toBe(true);
    expect(error).toMatchObject({ name: "InvalidMigrationError", plugin: "cron" });
    expect((error as Error).message).toContain("migrations of cron: ");
    expect((error as Error).message).toContain(message);
  });

  it("takes begin and end in a function's body for what they are", async () => {
    const body =
      "create function f() returns void as $f$\nbegin\n  return;\nend;\n$f$ language plpgsql;";
    const { migrations } = await migrationSet("cron", { "000001_a.sql": `-- commit;\n${body}` });
    expect(migrations).toHaveLength(1);
  });

  it("refuses a folder that is no URL", async () => {
    await expect(loadMigrations("cron", { directory: "./sql" as never })).rejects.toThrow(
      'migrations of cron: migrations.directory got "./sql"; it is a URL: new URL("../sql/", import.meta.url)',
    );
  });

  it("refuses a folder that is not there", async () => {
    const source = { directory: new URL("file:///nowhere/at/all/") };
    await expect(loadMigrations("cron", source)).rejects.toThrow(
      "migrations of cron: cannot read /nowhere/at/all/: ENOENT",
    );
  });
});
