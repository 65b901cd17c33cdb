import { randomUUID } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { connectPostgres, isTestPostgresError } from "../../src/postgres/index.ts";
import { testDatabase, usePostgres } from "../../src/vitest.ts";

const exists = async (name: string): Promise<boolean> => {
  const pool = (await testDatabase()).pool();
  const { rowCount } = await pool.query("select from pg_database where datname = $1", [name]);
  return rowCount === 1;
};

describe("createDatabase", () => {
  it("clones the template, and what one clone writes no other sees", async () => {
    const [one, other] = await Promise.all([testDatabase(), testDatabase()]);
    await one.pool().query("select graphile_worker.add_job('send_email')");
    const count = "select count(*)::int as jobs from graphile_worker.jobs";
    expect((await one.pool().query(count)).rows).toEqual([{ jobs: 1 }]);
    expect((await other.pool().query(count)).rows).toEqual([{ jobs: 0 }]);
  });

  it("makes an empty database without a template", async () => {
    const database = await usePostgres().createDatabase();
    onTestFinished(() => database.drop());
    const { rows } = await database.pool().query("select to_regnamespace('graphile_worker') as it");
    expect(rows).toEqual([{ it: null }]);
  });

  it("makes 20 clones at once, from several connections to the server", async () => {
    const others = Array.from({ length: 4 }, () => connectPostgres(usePostgres().access));
    const template = await usePostgres().template("twenty", ({ pool }) =>
      pool().query("create table numbers as select generate_series(1, 3) as n"),
    );
    const clones = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (others[index % 4] ?? usePostgres()).createDatabase({ template }),
      ),
    );
    const sums = await Promise.all(
      clones.map(async (clone, index) => {
        const pool = clone.pool({ max: 1 });
        await pool.query("insert into numbers values ($1)", [index]);
        return (await pool.query("select sum(n)::int from numbers")).rows[0].sum;
      }),
    );
    expect(sums).toEqual(clones.map((_, index) => 6 + index));
    await Promise.all(others.map((other) => other.close()));
    expect(await exists(clones[0]?.name ?? "")).toBe(false);
  });
});

describe("drop", () => {
  it("closes the pools and ends every other connection", async () => {
    const database = await usePostgres().createDatabase();
    const pool = database.pool();
    await pool.query("select 1");
    const leaked = await database.pool().connect();
    const ended = new Promise((resolve) => leaked.once("end", resolve));
    await database.drop();
    await ended;
    await expect(pool.query("select 1")).rejects.toThrow("after calling end on the pool");
    expect(await exists(database.name)).toBe(false);
  });

  it("does nothing the second time, nor on a pool that its user closed", async () => {
    const database = await usePostgres().createDatabase();
    await database.pool().end();
    await Promise.all([database.drop(), database.drop()]);
    await database.drop();
  });
});

describe("template", () => {
  it("is prepared once, however many ask for it at the same time", async () => {
    const name = randomUUID();
    const askers = Array.from({ length: 4 }, () => connectPostgres(usePostgres().access));
    let prepared = 0;
    const names = await Promise.all(
      [...askers, ...askers].map((asker) =>
        asker.template(name, async () => {
          prepared += 1;
        }),
      ),
    );
    expect(new Set(names).size).toBe(1);
    expect(prepared).toBe(1);
    await Promise.all(askers.map((asker) => asker.close()));
  });

  it("is another one for another content", async () => {
    const name = randomUUID();
    const postgres = usePostgres();
    const prepare = async () => {};
    const names = await Promise.all([
      postgres.template(name, prepare),
      postgres.template(name, async ({ pool }) => pool().query("create table other ()")),
      postgres.template(name, prepare, { key: "another" }),
    ]);
    expect(new Set(names).size).toBe(3);
  });

  it("says why it could not be prepared, and can then be tried again", async () => {
    const name = randomUUID();
    let tries = 0;
    const prepare = async () => {
      tries += 1;
      if (tries === 1) throw new Error("no luck");
    };
    const failure = await usePostgres()
      .template(name, prepare)
      .catch((error: unknown) => error);
    expect(isTestPostgresError(failure, "TEMPLATE_FAILED")).toBe(true);
    expect(String(failure)).toContain(`the template "${name}" could not be prepared: no luck`);
    await usePostgres().template(name, prepare);
    expect(tries).toBe(2);
  });
});
