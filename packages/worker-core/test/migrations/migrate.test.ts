import { testDatabase } from "@oppulence/worker-testing/vitest";
import type pg from "pg";
import { describe, expect, it, vi } from "vitest";
import { CORE_PLUGIN, coreMigrations } from "../../src/core-migrations.ts";
import { loadMigrations } from "../../src/migrations/load.ts";
import { migrate, pendingMigrations } from "../../src/migrations/migrate.ts";
import { migrationSet } from "./sql-folder.ts";

const CREATE_A = "create table :SCHEMA.demo_a (id int);";
const CREATE_B = "create table :SCHEMA.demo_b (id int);";

async function tablesOf(pool: pg.Pool, schema = "oppulence_worker"): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = $1 order by 1",
    [schema],
  );
  return rows.map(({ name }) => name);
}

/** Counts what is sent to the server. */
function countQueries(client: pg.ClientBase): { readonly texts: string[] } {
  const texts: string[] = [];
  const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
  client.query = ((...parameters: unknown[]) => {
    texts.push(String(parameters[0]));
    return query(...parameters);
  }) as typeof client.query;
  return { texts };
}

describe("migrate, auto", () => {
  it("applies what is missing, in order, and records it", async () => {
    const pool = (await testDatabase()).pool();
    const sets = [
      await loadMigrations(CORE_PLUGIN, coreMigrations),
      await migrationSet("demo", {
        "000001_create_a.sql": CREATE_A,
        "000002_create_b.sql": "create table :SCHEMA.demo_b as table :SCHEMA.demo_a;",
      }),
    ];
    const seen: unknown[] = [];
    const logger = { info: vi.fn(), warn: vi.fn() };
    const report = await migrate({
      pool,
      sets,
      mode: "auto",
      logger,
      onProgress: (progress) => seen.push(progress),
    });

    expect(report).toEqual({
      mode: "auto",
      applied: [
        { plugin: "core", id: 1, name: "create_notes" },
        { plugin: "demo", id: 1, name: "create_a" },
        { plugin: "demo", id: 2, name: "create_b" },
      ],
      alreadyApplied: 0,
      ahead: [],
    });
    expect(seen).toMatchObject([
      { plugin: "core", id: 1, done: 0, total: 3 },
      { plugin: "demo", id: 1, done: 1, total: 3 },
      { plugin: "demo", id: 2, done: 2, total: 3 },
    ]);
    expect(logger.info).toHaveBeenCalledWith("applied migration demo/000002_create_b");
    expect(await tablesOf(pool)).toEqual(["core_migrations", "core_notes", "demo_a", "demo_b"]);
    const { rows } = await pool.query(
      "select * from oppulence_worker.core_migrations order by 1, 2",
    );
    expect(rows).toMatchObject([
      { plugin: "core", id: 1, name: "create_notes", checksum: sets[0]?.migrations[0]?.checksum },
      { plugin: "demo", id: 1, name: "create_a", applied_at: expect.any(Date) },
      { plugin: "demo", id: 2, name: "create_b" },
    ]);
  });

  it("applies only what is new to a database that has the rest", async () => {
    const pool = (await testDatabase()).pool();
    const first = { "000001_create_a.sql": CREATE_A };
    await migrate({ pool, sets: [await migrationSet("demo", first)], mode: "auto" });
    const both = await migrationSet("demo", { ...first, "000002_create_b.sql": CREATE_B });
    expect(await migrate({ pool, sets: [both], mode: "auto" })).toMatchObject({
      applied: [{ plugin: "demo", id: 2 }],
      alreadyApplied: 1,
    });
  });

  it("takes one round trip and no lock when nothing is missing", async () => {
    const database = await testDatabase();
    const sets = [await migrationSet("demo", { "000001_create_a.sql": CREATE_A })];
    await migrate({ pool: database.pool(), sets, mode: "auto" });
    const client = await database.pool().connect();
    const { texts } = countQueries(client);
    const report = await migrate({ client, sets, mode: "auto" });
    client.release();
    expect(report).toEqual({ mode: "auto", applied: [], alreadyApplied: 1, ahead: [] });
    expect(texts).toHaveLength(1);
    expect(texts[0]).toContain("select plugin, id, name, checksum from");
  });

  it("uses the schemas it is told", async () => {
    const pool = (await testDatabase()).pool();
    const sets = [
      await migrationSet("demo", {
        "000001_create_a.sql": `${CREATE_A}\ncreate view :SCHEMA.demo_jobs as select id from :ENGINE_SCHEMA.jobs;`,
      }),
    ];
    await migrate({ pool, sets, mode: "auto", schema: "My jobs" });
    expect(await tablesOf(pool, "My jobs")).toEqual(["core_migrations", "demo_a"]);
    await expect(
      migrate({ pool, sets, mode: "auto", schema: "other", engineSchema: "nowhere" }),
    ).rejects.toThrow(
      /migration demo\/000001_create_a failed: .*"nowhere.jobs" does not exist.*at line 2/,
    );
  });

  it("leaves nothing half-done when a migration fails", async () => {
    const pool = (await testDatabase()).pool();
    const sets = [
      await migrationSet("good", { "000001_create_a.sql": CREATE_A }),
      await migrationSet("bad", { "000001_typo.sql": "select 1;\nselect 2;\ncreat table x ();" }),
    ];
    await expect(migrate({ pool, sets, mode: "auto" })).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      name: "MigrationFailedError",
      migration: { plugin: "bad", id: 1 },
      message:
        'migration bad/000001_typo failed: syntax error at or near "creat" (42601) at line 3. Nothing was applied',
    });
    expect(await tablesOf(pool)).toEqual([]);
    expect(pool.idleCount).toBe(1);
    expect(await migrate({ pool, sets: sets.slice(0, 1), mode: "auto" })).toMatchObject({
      applied: [{ plugin: "good" }],
    });
  });

  it("does not let a progress bar that throws undo the migrations", async () => {
    const pool = (await testDatabase()).pool();
    const onProgress = () => {
      throw new Error("no terminal");
    };
    const sets = [await migrationSet("demo", { "000001_create_a.sql": CREATE_A })];
    await migrate({ pool, sets, mode: "auto", onProgress });
    expect(await tablesOf(pool)).toContain("demo_a");
  });

  it("works on a database whose default isolation is serializable", async () => {
    const pool = (await testDatabase()).pool({
      options: "-c default_transaction_isolation=serializable -c default_transaction_read_only=on",
    });
    const sets = [await migrationSet("demo", { "000001_create_a.sql": CREATE_A })];
    expect((await migrate({ pool, sets, mode: "auto" })).applied).toHaveLength(1);
  });

  it("refuses a client that is in a transaction", async () => {
    const client = await (await testDatabase()).pool().connect();
    await client.query("begin");
    const sets = [await migrationSet("demo", { "000001_create_a.sql": CREATE_A })];
    await expect(migrate({ client, sets, mode: "auto" })).rejects.toThrow(
      "the client is in a transaction; migrating begins and commits its own",
    );
    client.release(true);
  });

  it("refuses two sets of one name, an unknown mode and a schema name that cannot be used", async () => {
    const pool = (await testDatabase()).pool();
    const set = await migrationSet("demo", { "000001_create_a.sql": CREATE_A });
    await expect(migrate({ pool, sets: [set, set], mode: "auto" })).rejects.toThrow(
      "migrations of demo: two sets have this name",
    );
    await expect(migrate({ pool, sets: [set], mode: "Auto" as "auto" })).rejects.toThrow(
      'migrations: mode: got "Auto"; it is "auto", "verify" or "off"',
    );
    await expect(migrate({ pool, sets: [set], mode: "auto", schema: 'a"b' })).rejects.toThrow(
      /schema: got .*a schema's name/,
    );
  });
});

describe("migrate, verify", () => {
  it("names what is pending and the command that applies it, and changes nothing", async () => {
    const pool = (await testDatabase()).pool();
    const sets = [
      await migrationSet("demo", {
        "000001_create_a.sql": CREATE_A,
        "000002_create_b.sql": CREATE_B,
      }),
    ];
    await expect(migrate({ pool, sets, mode: "verify" })).rejects.toMatchObject({
      code: "MIGRATIONS_PENDING",
      pending: [
        { plugin: "demo", id: 1 },
        { plugin: "demo", id: 2 },
      ],
      message:
        '2 migrations are pending in schema "oppulence_worker": demo/000001_create_a, demo/000002_create_b. Run `npx oppulence-worker migrate`, then start again',
    });
    const { rows } = await pool.query(
      "select 1 from pg_namespace where nspname = 'oppulence_worker'",
    );
    expect(rows).toEqual([]);
  });

  it("passes a database that has everything", async () => {
    const pool = (await testDatabase()).pool();
    const sets = [await migrationSet("demo", { "000001_create_a.sql": CREATE_A })];
    await migrate({ pool, sets, mode: "auto" });
    expect(await migrate({ pool, sets, mode: "verify" })).toEqual({
      mode: "verify",
      applied: [],
      alreadyApplied: 1,
      ahead: [],
    });
  });
});

describe("migrate, off", () => {
  it("does not touch the database", async () => {
    const connect = vi.fn();
    const sets = [await migrationSet("demo", { "000001_create_a.sql": CREATE_A })];
    expect(await migrate({ pool: { connect }, sets, mode: "off" })).toEqual({
      mode: "off",
      applied: [],
      alreadyApplied: 0,
      ahead: [],
    });
    expect(connect).not.toHaveBeenCalled();
  });
});

describe("a migration that was edited after it ran", () => {
  it.each(["auto", "verify"] as const)(
    "is refused in mode %s, with both checksums",
    async (mode) => {
      const pool = (await testDatabase()).pool();
      const before = await migrationSet("demo", { "000001_create_a.sql": CREATE_A });
      await migrate({ pool, sets: [before], mode: "auto" });
      const after = await migrationSet("demo", {
        "000001_create_a.sql": `${CREATE_A} `,
        "000002_create_b.sql": CREATE_B,
      });
      const recorded = before.migrations[0]?.checksum;
      const shipped = after.migrations[0]?.checksum;
      await expect(migrate({ pool, sets: [after], mode })).rejects.toMatchObject({
        code: "MIGRATION_CHANGED",
        changed: [{ plugin: "demo", file: "000001_create_a.sql", recorded, shipped }],
        message: `a migration was edited after running: 000001_create_a.sql of demo (sha256 when it ran: ${recorded}, now: ${shipped}). Restore the file, and put the change into a new migration`,
      });
      expect(await tablesOf(pool)).not.toContain("demo_b");
    },
  );
});

describe("a database ahead of the installed packages", () => {
  it("is allowed and reported", async () => {
    const pool = (await testDatabase()).pool();
    const older = { "000001_create_a.sql": CREATE_A };
    const newer = await migrationSet("demo", { ...older, "000002_create_b.sql": CREATE_B });
    await migrate({ pool, sets: [newer], mode: "auto" });
    const logger = { info: vi.fn(), warn: vi.fn() };
    const sets = [await migrationSet("demo", older)];
    const report = await migrate({ pool, sets, mode: "auto", logger });
    expect(report.ahead).toEqual([{ plugin: "demo", id: 2, name: "create_b" }]);
    expect(logger.warn).toHaveBeenCalledWith(expect.stringContaining("demo/000002_create_b"));
  });

  it("says nothing of plugins that are not installed here", async () => {
    const pool = (await testDatabase()).pool();
    const demo = await migrationSet("demo", { "000001_create_a.sql": CREATE_A });
    const other = await migrationSet("other", { "000001_create_b.sql": CREATE_B });
    await migrate({ pool, sets: [demo, other], mode: "auto" });
    expect((await migrate({ pool, sets: [demo], mode: "verify" })).ahead).toEqual([]);
  });
});

describe("pendingMigrations", () => {
  it("tells what migrate would do", async () => {
    const pool = (await testDatabase()).pool();
    const first = { "000001_create_a.sql": CREATE_A };
    await migrate({ pool, sets: [await migrationSet("demo", first)], mode: "auto" });
    const sets = [await migrationSet("demo", { ...first, "000002_create_b.sql": CREATE_B })];
    expect(await pendingMigrations({ pool, sets })).toEqual({
      pending: [{ plugin: "demo", id: 2, name: "create_b" }],
      applied: 1,
      ahead: [],
    });
    expect(await tablesOf(pool)).not.toContain("demo_b");
  });
});
