import { testDatabase } from "@oppulence/worker-testing/vitest";
import { run, runMigrations } from "graphile-worker";
import type pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { type AnyPlugin, createWorker, defineTask, proceed } from "../../src/index.ts";
import { entry, gate, plugin } from "../support/plugins.ts";
import { quietLogger, until } from "../support/worker.ts";

const JOBS = 60;
const settings = { concurrentJobs: 1, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

/** A pool that keeps the text of every statement that goes over it. */
async function listeningPool() {
  const statements: string[] = [];
  const pool = (await testDatabase()).pool();
  pool.on("connect", (client) => {
    const query = client.query as (...args: unknown[]) => unknown;
    client.query = ((first: string | { text: string }, ...rest: unknown[]) => {
      statements.push(typeof first === "string" ? first : first.text);
      return query.call(client, first, ...rest);
    }) as typeof client.query;
  });
  return { pool, statements };
}

const add = (pool: pg.Pool) =>
  pool.query("select graphile_worker.add_job('t', '{\"n\": 1}') from generate_series(1, $1)", [
    JOBS,
  ]);

/** Four hooks, none of which asks the database for anything. */
const busy = (name: string) =>
  plugin(name, {
    beforeEnqueue: entry(() => ({ kind: "continue", patch: { labels: { [name]: "x" } } })),
    beforeRun: gate(() => proceed({ permit: { commit: () => {}, rollback: () => {} } })),
    afterRun: { run: () => {} },
    onFailure: { run: () => {} },
  });

/** How many statements fetch a job, complete some, or do anything else. */
function count(statements: readonly string[]) {
  const fetches = statements.filter((text) => /locked_at = now\(\)/.test(text)).length;
  const completes = statements.filter((text) =>
    /^\s*delete from \S+_private_jobs/.test(text),
  ).length;
  return { fetches, completes, others: statements.length - fetches - completes };
}

/** One fetch a job, at most one completion a job, and what a start takes. */
function expectOnlyJobs(statements: readonly string[]) {
  const { fetches, completes, others } = count(statements);
  expect(fetches).toBeGreaterThanOrEqual(JOBS);
  expect(fetches).toBeLessThan(1.5 * JOBS);
  expect(completes).toBeGreaterThan(0);
  expect(completes).toBeLessThanOrEqual(JOBS);
  expect(others).toBeLessThan(JOBS / 2);
}

async function statementsOfBare(): Promise<readonly string[]> {
  const { pool, statements } = await listeningPool();
  await runMigrations({ pgPool: pool, logger: quietLogger() });
  await add(pool);
  let ran = 0;
  statements.length = 0;
  const runner = await run({
    pgPool: pool,
    noHandleSignals: true,
    logger: quietLogger(),
    taskList: { t: () => void ran++ },
    parsedCronItems: [],
    preset: { worker: settings },
  });
  await until(() => ran === JOBS, "the jobs are done");
  await runner.stop();
  return statements;
}

async function makeWorker(plugins: readonly AnyPlugin[]) {
  const { pool, statements } = await listeningPool();
  let ran = 0;
  const worker = createWorker({
    pool,
    config: false,
    handleSignals: false,
    logger: quietLogger(),
    tasks: [defineTask({ identifier: "t", run: () => void ran++ })],
    plugins,
    worker: settings,
  });
  onTestFinished(() => worker.stop());
  return { pool, statements, worker, ran: () => ran };
}

describe("the hot path", () => {
  it("asks the database for nothing that graphile-worker does not ask for, with and without hooks", async () => {
    expectOnlyJobs(await statementsOfBare());
    for (const plugins of [[], [busy("a"), busy("b")]]) {
      const { pool, statements, worker, ran } = await makeWorker(plugins);
      await worker.migrate();
      await add(pool);
      statements.length = 0;
      await worker.start();
      await until(() => ran() === JOBS, "the jobs are done");
      await worker.stop();
      expectOnlyJobs(statements);
    }
  });

  it("adds jobs in one statement, however many and whatever synchronous hooks there are", async () => {
    const { statements, worker } = await makeWorker([busy("a"), busy("b")]);
    await worker.migrate();
    await worker.addJob("t", {});
    statements.length = 0;
    await worker.addJob("t", {});
    expect(statements).toHaveLength(1);
    await worker.addJobs(Array.from({ length: 500 }, (_, n) => ({ task: "t", payload: { n } })));
    expect(statements).toHaveLength(2);
  });
});
