import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { migrate } from "../../src/migrations/migrate.ts";
import { migrationSet, sqlFolder } from "./sql-folder.ts";

const CREATE_A = "create table :SCHEMA.demo_a (id int);";
/** Waits for as long as somebody else holds the lock. */
const WAIT = "select pg_advisory_lock(4711);";

/** Starts a process that migrates the database with the folder's files. */
function migrateInChild(url: string, directory: URL): ChildProcess {
  const child = fork(new URL("./migrate-child.ts", import.meta.url), [url, directory.href], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Resolves as soon as the query has a row: the server's state is the signal. */
async function until(pool: pg.Pool, text: string): Promise<void> {
  for (;;) {
    const { rows } = await pool.query(text);
    if (rows.length > 0) return;
  }
}

const WAITING =
  "select 1 from pg_locks where locktype = 'advisory' and objid = 4711 and not granted";
const NOT_WAITING =
  "select 1 where not exists (select 1 from pg_locks where locktype = 'advisory')";

describe("migrate from several sides at once", () => {
  it.each([
    "read committed",
    // Its snapshot must not be older than the lock.
    "serializable",
  ])("applies each migration once for ten pools on an empty database, %s", async (isolation) => {
    const database = await testDatabase();
    const sets = [
      await migrationSet("demo", {
        "000001_create_a.sql": CREATE_A,
        "000002_fill_a.sql": "insert into :SCHEMA.demo_a values (1);",
      }),
    ];
    const options = `-c default_transaction_isolation=${isolation.replace(" ", "\\ ")}`;
    const pools = Array.from({ length: 10 }, () => database.pool({ max: 1, options }));
    const reports = await Promise.all(pools.map((pool) => migrate({ pool, sets, mode: "auto" })));
    expect(reports.flatMap(({ applied }) => applied)).toHaveLength(2);
    expect(reports.map(({ applied, alreadyApplied }) => applied.length + alreadyApplied)).toEqual(
      Array.from({ length: 10 }, () => 2),
    );
    const { rows } = await database.pool().query("select id from oppulence_worker.demo_a");
    expect(rows).toEqual([{ id: 1 }]);
  });

  it("lets processes that start together all succeed", async () => {
    const { url } = await testDatabase();
    const { directory } = await sqlFolder({ "000001_create_a.sql": CREATE_A });
    const children = Array.from({ length: 4 }, () => migrateInChild(url, directory));
    const messages = await Promise.all(
      children.map(async (child) => (await once(child, "message"))[0]),
    );
    expect(messages.toSorted()).toEqual([0, 0, 0, 1]);
  });

  it("migrates two schemas of one database without waiting for each other", async () => {
    const database = await testDatabase();
    const holder = await database.pool().connect();
    await holder.query(WAIT);
    const waiting = await migrationSet("demo", { "000001_wait.sql": WAIT });
    const blocked = migrate({
      pool: database.pool(),
      schema: "one",
      sets: [waiting],
      mode: "auto",
    });
    await until(database.pool(), WAITING);
    const quick = await migrationSet("demo", { "000001_create_a.sql": CREATE_A });
    await migrate({ pool: database.pool(), schema: "two", sets: [quick], mode: "auto" });
    holder.release(true);
    await blocked;
  });
});

describe("migrate that is cut off", () => {
  it("leaves nothing half-done when its process is killed", async () => {
    const database = await testDatabase();
    const pool = database.pool();
    const holder = await pool.connect();
    await holder.query(WAIT);
    const files = { "000001_create_a.sql": CREATE_A, "000002_wait.sql": WAIT };
    const { directory } = await sqlFolder(files);
    const child = migrateInChild(database.url, directory);
    await until(pool, WAITING);
    child.kill("SIGKILL");
    await once(child, "exit");
    holder.release(true);
    await until(pool, NOT_WAITING);

    const { rows } = await pool.query(
      "select 1 from pg_namespace where nspname = 'oppulence_worker'",
    );
    expect(rows).toEqual([]);
    const sets = [await migrationSet("demo", files)];
    expect((await migrate({ pool, sets, mode: "auto" })).applied).toHaveLength(2);
  });

  it("says that the connection was lost, leaves nothing half-done and keeps the process alive", async () => {
    const database = await testDatabase();
    const sets = [
      await migrationSet("demo", {
        "000001_create_a.sql": CREATE_A,
        "000002_cut.sql": "select pg_terminate_backend(pg_backend_pid());",
      }),
    ];
    // No listener on its clients, as a user's pool may be. Dropping the database may catch one that
    // is still closing, which the pool then emits.
    const pool = new pg.Pool({ connectionString: database.url });
    pool.on("error", () => {});
    onTestFinished(() => pool.end());
    await expect(migrate({ pool, sets, mode: "auto" })).rejects.toMatchObject({
      code: "DATABASE_UNREACHABLE",
      message: expect.stringMatching(
        new RegExp(`^cannot reach PostgreSQL at 127\\.0\\.0\\.1:\\d+/${database.name}: .*terminat`),
      ),
    });
    expect(pool.totalCount).toBe(0);
    const { rows } = await pool.query(
      "select 1 from pg_namespace where nspname = 'oppulence_worker'",
    );
    expect(rows).toEqual([]);
  });
});
