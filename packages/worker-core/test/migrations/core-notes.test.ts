import { testDatabase } from "@oppulence/worker-testing/vitest";
import type pg from "pg";
import { describe, expect, it } from "vitest";
import { CORE_PLUGIN, coreMigrations } from "../../src/core-migrations.ts";
import { loadMigrations } from "../../src/migrations/load.ts";
import { migrate } from "../../src/migrations/migrate.ts";

async function withNotes(): Promise<pg.Pool> {
  const pool = (await testDatabase()).pool();
  const sets = [await loadMigrations(CORE_PLUGIN, coreMigrations)];
  await migrate({ pool, sets, mode: "auto" });
  return pool;
}

const UPSERT = `
  insert into oppulence_worker.core_notes (job_id, plugin, code, message, kind, until)
  values ($1, 'ratelimit', 'LIMITED', 'over the limit', 'deferred', now())
  on conflict (job_id) do update set
    plugin = excluded.plugin, code = excluded.code, message = excluded.message, kind = excluded.kind,
    until = excluded.until, count = core_notes.count + 1, updated_at = now()`;

describe("core_notes", () => {
  it("keeps repeated notes of a job on their page, indexes untouched (HOT)", async () => {
    const client = await (await withNotes()).connect();
    await client.query("begin");
    for (let time = 0; time < 5; time++) await client.query(UPSERT, [1]);
    const { rows } = await client.query(`
      select n.count, pg_stat_get_xact_tuples_updated(c.oid)::int as updated,
        pg_stat_get_xact_tuples_hot_updated(c.oid)::int as hot
      from oppulence_worker.core_notes n, pg_class c
      where c.oid = 'oppulence_worker.core_notes'::regclass`);
    await client.query("rollback");
    client.release();
    expect(rows).toEqual([{ count: 5, updated: 4, hot: 4 }]);
  });

  it("finds the next held jobs of a plugin in their index, already in order", async () => {
    const pool = await withNotes();
    await pool.query(`
      insert into oppulence_worker.core_notes (job_id, plugin, code, message, kind, held_from)
      select n, 'tenancy', 'PAUSED', 'paused', case when n % 2 = 0 then 'held' else 'deferred' end, now()
      from generate_series(1, 20000) n`);
    await pool.query("analyze oppulence_worker.core_notes");
    const { rows } = await pool.query<{ "QUERY PLAN": string }>(`
      explain select job_id from oppulence_worker.core_notes
      where kind = 'held' and plugin = 'tenancy' order by held_from, job_id limit 100`);
    const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
    expect(plan).toContain("using core_notes_held");
    expect(plan).not.toContain("Sort");
  });

  it("refuses a kind that is unknown", async () => {
    const pool = await withNotes();
    const insert = pool.query(`
      insert into oppulence_worker.core_notes (job_id, plugin, code, message, kind)
      values (1, 'p', 'C', 'm', 'dropped')`);
    await expect(insert).rejects.toThrow(/core_notes_kind_check/);
  });
});
