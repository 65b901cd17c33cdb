import type { Query } from "@oppulence/worker-core";
import type { TestDatabase } from "@oppulence/worker-testing";
import { testDatabase } from "@oppulence/worker-testing/vitest";
import type { Pool } from "pg";
import { expect, it } from "vitest";
import { type AnyWorkflow, defineWorkflow } from "../src/index.ts";
import { SagaReader } from "../src/postgres-read.ts";
import { reach, start } from "./start.ts";

/** A statement that reads all of something at each step has it read ten times as much and more. */
const MOST = 2;

/** Rows that statements have read so far, by scans and through indexes. Sessions report them when they end, at the latest. */
const READ = `select (
  select sum(seq_tup_read) from pg_stat_user_tables where schemaname = 'oppulence_worker'
)::float8 + (
  select sum(idx_tup_read) from pg_stat_user_indexes where schemaname = 'oppulence_worker'
)::float8 as rows`;
/** Ways to read all of a table, or of a run: rightly taken where there is little of it, never where there is much. */
const NOT_WHERE_THERE_IS_MUCH = ["seqscan", "hashjoin", "mergejoin", "material"];
const OTHERS =
  "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";

const chainOf = (steps: number) =>
  defineWorkflow({
    name: `chain${steps}`,
    steps: Array.from({ length: steps }, (_, n) => ({ id: `s${n}`, execute: () => n })),
  });

/** Rows read so far, once all sessions but this one have ended. */
async function rowsRead(own: Pool): Promise<number> {
  await expect.poll(async () => (await own.query(OTHERS)).rows).toEqual([]);
  const { rows } = await own.query<{ rows: number }>(READ);
  return rows[0]?.rows ?? Number.NaN;
}

/** Counts rows that runs read, which come one after another: how many share a statement would vary from time to time. */
function countReads(database: TestDatabase, workflows: readonly AnyWorkflow[]) {
  const own = database.pool({ max: 1 });
  let started = 0;
  return async (workflow: AnyWorkflow, runs: number, input: unknown = null) => {
    const before = await rowsRead(own);
    const harness = await start(workflows, { database });
    for (let n = 0; n < runs; n++) {
      const { id } = await harness.api.start(workflow, input, { id: `c${++started}` });
      await harness.api.result(id);
    }
    await harness.stop();
    return (await rowsRead(own)) - before;
  };
}

const waits = defineWorkflow({ name: "waits", steps: [{ id: "go", kind: "signal" }] });

/** Has a thousand runs wait. */
async function fill(crowd: Awaited<ReturnType<typeof start>>): Promise<void> {
  const ids = Array.from({ length: 1_000 }, (_, n) => `w${n}`);
  await Promise.all(ids.map((id) => crowd.api.start(waits, null, { id })));
  const waiting = async () =>
    (await crowd.sql("select from oppulence_worker.saga_steps where state = 'waiting'")).length;
  await expect.poll(waiting, { timeout: 30_000, interval: 100 }).toBe(ids.length);
}

/**
 * A database whose plans are those of large tables, and the same each time: its planner knows what the
 * tables hold at this moment, and does not learn of what comes later.
 *
 * @param isCrowded - with a thousand runs that wait
 */
async function preparedDatabase(
  workflows: readonly AnyWorkflow[],
  isCrowded = true,
): Promise<TestDatabase> {
  const database = await testDatabase();
  const worker = { concurrentJobs: 24 };
  const first = await start([...workflows, waits], { database, worker });
  if (isCrowded) await fill(first);
  await first.stop();
  const own = database.pool({ max: 1 });
  const { rows } = await own.query<{ name: string }>(
    "select format('%I.%I', schemaname, relname) as name from pg_stat_user_tables",
  );
  for (const { name } of rows) {
    await own.query(`alter table ${name} set (autovacuum_enabled = false)`);
  }
  for (const way of NOT_WHERE_THERE_IS_MUCH) {
    await own.query(`alter database ${database.name} set enable_${way} = off`);
  }
  await own.query("analyze");
  await own.end();
  return database;
}

it("a step reads as many rows among a thousand runs that wait as it does alone", {
  timeout: 60_000,
}, async () => {
  const chain = chainOf(5);
  const cost = async (isCrowded: boolean) =>
    countReads(await preparedDatabase([chain], isCrowded), [chain])(chain, 10);
  const alone = await cost(false);
  const among = await cost(true);
  expect(among / alone, `${among} rows, ${alone} alone`).toBeLessThan(MOST);
});

it("a step of a workflow with many reads as many rows as one of a workflow with few", {
  timeout: 60_000,
}, async () => {
  const [few, many] = [chainOf(10), chainOf(200)];
  const reads = countReads(await preparedDatabase([few, many]), [few, many]);
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
  const reads = countReads(await preparedDatabase([fan]), [fan]);
  await reads(fan, 1, 10);
  const ofSmall = (await reads(fan, 10, 100)) / 1_000;
  const ofLarge = (await reads(fan, 1, 1_000)) / 1_000;
  expect(ofLarge / ofSmall, `${ofLarge} rows, ${ofSmall} in a small one`).toBeLessThan(MOST);
});

it("runs that failed are listed without reading those that did not", {
  timeout: 60_000,
}, async () => {
  const fails = defineWorkflow({
    name: "fails",
    steps: [
      { id: "no", retry: { maxAttempts: 1 }, execute: () => Promise.reject(new Error("no")) },
    ],
  });
  const database = await testDatabase();
  const first = await start([fails, waits], { database, worker: { concurrentJobs: 24 } });
  await fill(first);
  await first.api.start(fails, null, { id: "f" });
  await reach(first.api, "f", "failed");
  await first.stop();
  const own = database.pool({ max: 1 });
  await own.query("analyze");
  const before = await rowsRead(own);
  const reading = database.pool({ max: 1 });
  const query: Query = async (text, values) =>
    (await reading.query(text, [...(values ?? [])])).rows;
  const failed = await new SagaReader("oppulence_worker").list(query, { states: ["failed"] });
  expect(failed.map(({ id }) => id)).toEqual(["f"]);
  await reading.end();
  expect((await rowsRead(own)) - before).toBeLessThan(10);
});
