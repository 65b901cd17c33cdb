import { testDatabase } from "@oppulence/worker-testing/vitest";
import { expect, it } from "vitest";
import { defineWorkflow } from "../src/index.ts";
import { start } from "./start.ts";

const CHAINS = 10;
const STEPS = 5;
const WAITING = 1_000;
/** A statement that reads all runs at each step would have a step read a thousand rows more. */
const MOST = 1.5;

/** Rows that statements have read so far, by scans and through indexes. Sessions report them when they end, at the latest. */
const READ = `select (
  select sum(seq_tup_read) from pg_stat_user_tables where schemaname in ('oppulence_worker', 'graphile_worker')
)::float8 + (
  select sum(idx_tup_read) from pg_stat_user_indexes where schemaname in ('oppulence_worker', 'graphile_worker')
)::float8 as rows`;
const OTHERS =
  "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";

it("a step reads as many rows among a thousand runs that wait as it does alone", {
  timeout: 60_000,
}, async () => {
  const database = await testDatabase();
  const chain = defineWorkflow({
    name: "chain",
    steps: Array.from({ length: STEPS }, (_, n) => ({ id: `s${n}`, execute: () => n })),
  });
  const waits = defineWorkflow({ name: "waits", steps: [{ id: "go", kind: "signal" }] });
  const own = database.pool({ max: 1 });
  const rowsRead = async () => {
    await expect.poll(async () => (await own.query(OTHERS)).rows, { timeout: 10_000 }).toEqual([]);
    const { rows } = await own.query<{ rows: number }>(READ);
    return rows[0]?.rows ?? Number.NaN;
  };
  let started = 0;
  const readByChains = async () => {
    const before = await rowsRead();
    const harness = await start([chain, waits], { database });
    // One after another: how many share a statement would vary from time to time.
    for (let n = 0; n < CHAINS; n++) {
      const { id } = await harness.api.start(chain, null, { id: `c${++started}` });
      await harness.api.result(id);
    }
    await harness.stop();
    return ((await rowsRead()) - before) / (CHAINS * STEPS);
  };
  const first = await start([chain, waits], { database, worker: { concurrentJobs: 24 } });
  await first.stop();
  const alone = await readByChains();
  const crowd = await start([chain, waits], { database, worker: { concurrentJobs: 24 } });
  const ids = Array.from({ length: WAITING }, (_, n) => `w${n}`);
  await Promise.all(ids.map((id) => crowd.api.start(waits, null, { id })));
  const waiting = async () =>
    (await crowd.sql("select from oppulence_worker.saga_steps where state = 'waiting'")).length;
  await expect.poll(waiting, { timeout: 30_000, interval: 100 }).toBe(WAITING);
  await crowd.stop();
  const among = await readByChains();
  expect(among / alone, `${among} rows a step, ${alone} alone`).toBeLessThan(MOST);
});
