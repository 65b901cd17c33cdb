import { describe, expect, it } from "vitest";
import type { Job } from "../../src/index.ts";
import { POOL, type TestEngine, testEngine } from "../support/engine.ts";

/** Enough that the planner finds a join by comparing as good as any, where it expects one row. */
const JOBS = 15_000;
const ITEMS = 500;
const REASON = { plugin: "test", code: "CODE", message: "a reason" };

/** Claimed jobs in named queues, in tables whose statistics are from a moment when nothing was locked. */
async function claimedAfterAnalyze() {
  const test = await testEngine();
  await test.sql(
    `select count(*) from graphile_worker.add_jobs(array(
  select json_populate_record(null::graphile_worker.job_spec,
    json_build_object('identifier', 't', 'payload', '{}'::json, 'queue_name', 'q' || n))
  from generate_series(1, ${JOBS}) as n
))`,
  );
  await test.sql("vacuum (analyze) graphile_worker._private_jobs");
  await test.sql("vacuum (analyze) graphile_worker._private_job_queues");
  const rows = await test.sql<{ id: string }>("select id from graphile_worker._private_jobs");
  const jobs = await test.claim(rows.map(({ id }) => id));
  return { ...test, jobs: jobs.slice(0, ITEMS) };
}

interface Plan {
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Join Filter"?: number;
  readonly Plans?: readonly Plan[];
}

/** Rows that a plan looked at, over all its nodes. */
function rowsSeen(plan: Plan): number {
  const own =
    plan["Actual Rows"] +
    (plan["Rows Removed by Filter"] ?? 0) +
    (plan["Rows Removed by Join Filter"] ?? 0);
  return (
    own * plan["Actual Loops"] + (plan.Plans ?? []).reduce((sum, one) => sum + rowsSeen(one), 0)
  );
}

/** Runs the statement once under EXPLAIN, without effect. */
async function explained(
  { pool }: TestEngine,
  text: string,
  values: readonly unknown[],
): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query<{ "QUERY PLAN": [{ readonly Plan: Plan }] }>(
      `explain (analyze, format json) ${text}`,
      values as unknown[],
    );
    return rowsSeen((rows[0] as (typeof rows)[0])["QUERY PLAN"][0].Plan);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

const archive = { sql: "select id from taken", values: [] };

describe("statements on claimed jobs", () => {
  it.each<[string, (test: TestEngine, jobs: readonly Job[]) => Promise<unknown>]>([
    [
      "complete",
      ({ engine }, jobs) =>
        engine.complete(
          POOL,
          jobs.map(({ id }) => id),
        ),
    ],
    [
      "fail",
      ({ engine }, jobs) =>
        engine.fail(
          POOL,
          jobs.map(({ id }) => ({ id, message: "boom", payload: undefined })),
        ),
    ],
    ["takeInto", ({ engine }, jobs) => engine.takeInto({ claimed: jobs }, archive)],
    [
      "defer",
      ({ engine }, jobs) => Promise.all(jobs.map((job) => engine.defer(job, { after: 0 }, REASON))),
    ],
    [
      "retry",
      ({ engine }, jobs) => Promise.all(jobs.map((job) => engine.retry(job, { after: 0 }, "boom"))),
    ],
    ["exhaust", ({ engine }, jobs) => Promise.all(jobs.map((job) => engine.exhaust(job, REASON)))],
    [
      "noteSkip",
      ({ engine }, jobs) => Promise.all(jobs.map((job) => engine.noteSkip(job, REASON))),
    ],
    ["giveBack", ({ engine }, jobs) => engine.giveBack(POOL, { only: jobs.map(({ id }) => id) })],
    ["recover", ({ engine }) => engine.recover(POOL, { started: [], maxCrashes: 3 })],
  ])(
    "look at each row a few times at most, whatever the statistics say: %s",
    async (name, call) => {
      const { jobs, ...test } = await claimedAfterAnalyze();
      const seen: number[] = [];
      test.hooks.onStatement = async (text, values) =>
        void seen.push(await explained(test, text, values));
      await call(test, jobs);
      expect(seen, name).toHaveLength(1);
      expect(seen[0]).toBeLessThan(20 * JOBS);
    },
  );
});
