import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { TestDatabase } from "../../src/postgres/index.ts";
import { testDatabase, usePostgres } from "../../src/vitest.ts";

const names: string[] = [];

const tables = async (database: TestDatabase): Promise<string[]> => {
  const sql = "select tablename from pg_tables where schemaname = 'public'";
  const { rows } = await database.pool().query(sql);
  return rows.map((row) => row.tablename);
};

afterAll(async () => {
  const observer = await usePostgres().createDatabase();
  const sql = "select from pg_database where datname = any ($1)";
  const { rowCount } = await observer.pool().query(sql, [names]);
  await observer.drop();
  expect(new Set(names).size).toBe(5);
  expect(rowCount).toBe(0);
});

describe("testDatabase", () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await testDatabase();
    names.push(database.name);
  });

  it.each(["one", "another"])("gives %s test a database of its own", async (table) => {
    await database.pool().query(`create table ${table} ()`);
    expect(await tables(database)).toEqual([table]);
  });
});

describe.concurrent("testDatabase in tests that run at the same time", () => {
  for (const table of ["first", "second", "third"]) {
    it(`belongs to the test whose context it gets (${table})`, async (test) => {
      const database = await testDatabase({ test });
      names.push(database.name);
      await database.pool().query(`create table ${table} ()`);
      test.expect(await tables(database)).toEqual([table]);
    });
  }
});
