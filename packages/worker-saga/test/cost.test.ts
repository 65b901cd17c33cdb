import type { TestDatabase } from "@oppulence/worker-testing";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import { expect, it } from "vitest";
import { type AnyWorkflow, defineWorkflow } from "../src/index.ts";
import { start } from "./start.ts";

/** A statement that reads all of something at each step would have it read many times as much. */
const MOST = 1.5;

/** Rows that statements have read so far, by scans and through indexes. Sessions report them when they end, at the latest. */
const READ = `select (
  select sum(seq_tup_read) from pg_stat_user_tables where schemaname in ('oppulence_worker', 'graphile_worker')
)::float8 + (
  select sum(idx_tup_read) from pg_stat_user_indexes where schemaname in ('oppulence_worker', 'graphile_worker')
)::float8 as rows`;
const OTHERS =
  "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";

const chainOf = (steps: number) =>
  defineWorkflow({
    name: `chain${steps}`,
    steps: Array.from({ length: steps }, (_, n) => ({ id: `s${n}`, execute: () => n })),
  });

/** Counts rows that runs read, which come one after another: how many share a statement would vary from time to time. */
function countReads(database: TestDatabase, workflows: readonly AnyWorkflow[]) {
  const own = database.pool({ max: 1 });
  const rowsRead = async () => {
    await expect.poll(async () => (await own.query(OTHERS)).rows, { timeout: 10_000 }).toEqual([]);
    const { rows } = await own.query<{ rows: number }>(READ);
    return rows[0]?.rows ?? Number.NaN;
  };
  let started = 0;
  return async (workflow: AnyWorkflow, runs: number, input: unknown = null) => {
    const before = await rowsRead();
    const harness = await start(workflows, { database });
    for (let n = 0; n < runs; n++) {
      const { id } = await harness.api.start(workflow, input, { id: `c${++started}` });
      await harness.api.result(id);
    }
    await harness.stop();
    return (await rowsRead()) - before;
  };
}

it("a step reads as many rows among a thousand runs that wait as it does alone", {
  timeout: 60_000,
}, async () => {
  const database = await testDatabase();
  const chain = chainOf(5);
  const waits = defineWorkflow({ name: "waits", steps: [{ id: "go", kind: "signal" }] });
  const reads = countReads(database, [chain, waits]);
  const first = await start([chain, waits], { database, worker: { concurrentJobs: 24 } });
  await first.stop();
  const alone = await reads(chain, 10);
  const crowd = await start([chain, waits], { database, worker: { concurrentJobs: 24 } });
  const ids = Array.from({ length: 1_000 }, (_, n) => `w${n}`);
  await Promise.all(ids.map((id) => crowd.api.start(waits, null, { id })));
  const waiting = async () =>
    (await crowd.sql("select from oppulence_worker.saga_steps where state = 'waiting'")).length;
  await expect.poll(waiting, { timeout: 30_000, interval: 100 }).toBe(ids.length);
  await crowd.stop();
  const among = await reads(chain, 10);
  expect(among / alone, `${among} rows, ${alone} alone`).toBeLessThan(MOST);
});

it("a step of a workflow with many reads as many rows as one of a workflow with few", {
  timeout: 60_000,
}, async () => {
  const [few, many] = [chainOf(10), chainOf(200)];
  const database = await testDatabase();
  const reads = countReads(database, [few, many]);
  await reads(few, 1);
  const ofFew = (await reads(few, 20)) / 200;
  const ofMany = (await reads(many, 1)) / 200;
  expect(ofMany / ofFew, `${ofMany} rows, ${ofFew} with few`).toBeLessThan(MOST);
});

it("an item of a large fan-out reads as many rows as one of a small fan-out", {
  timeout: 60_000,
}, async () => {
  const fan = defineWorkflow({
    name: "fan",
    steps: (flow) =>
      flow.each({
        id: "each",
        width: 10,
        items: ({ input }) => Array.from({ length: Number(input) }, (_, n) => n),
        execute: ({ item }) => item,
      }),
  });
  const database = await testDatabase();
  const reads = countReads(database, [fan]);
  await reads(fan, 1, 10);
  const ofSmall = (await reads(fan, 10, 100)) / 1_000;
  const ofLarge = (await reads(fan, 1, 1_000)) / 1_000;
  expect(ofLarge / ofSmall, `${ofLarge} rows, ${ofSmall} in a small one`).toBeLessThan(MOST);
});
