import { defineTask } from "@oppulence/worker-core";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  assertInvariants,
  createHarness,
  type FaultPoint,
  type KillOptions,
  killAt,
  recoverPools,
} from "../../src/index.ts";
import { testDatabase } from "../../src/vitest.ts";

const url = new URL("./fixtures/worker.ts", import.meta.url);
const enqueue = [{ task: "work", payload: { n: 1 }, queueName: "q" }];

const kill = async (point: FaultPoint, options: Partial<KillOptions> = {}) => {
  const killed = await killAt(point, { module: url, enqueue, ...options });
  if (options.database === undefined) onTestFinished(() => killed.database.drop());
  return killed;
};

/** A worker that finds what the dead one left, and runs it. */
const finish = async (killed: Awaited<ReturnType<typeof kill>>) => {
  const runs: string[] = [];
  const work = defineTask({
    identifier: "work",
    run: (_payload, { job }) => void runs.push(job.id),
  });
  await using harness = await createHarness({ database: killed.database, tasks: [work] });
  const returned = await recoverPools(harness.worker.engine, killed.pools);
  const waiting = await harness.worker.engine.peek({ tasks: ["work"], states: ["scheduled"] });
  await harness.worker.engine.reschedule(
    waiting.map(({ job }) => job.id),
    { runAt: new Date() },
  );
  await harness.drain();
  await assertInvariants(harness.sql);
  return { runs, returned };
};

const run: [FaultPoint, Partial<KillOptions>][] = [
  ["beforeRun:before", {}],
  ["beforeRun:after", {}],
  ["beforeRun:before@gate", {}],
  ["beforeRun:after@gate", {}],
  ["run:before", {}],
  ["run:after", {}],
  ["afterRun:before", {}],
  ["afterRun:after", {}],
  ["afterRun:after@gate", {}],
  ["permit:commit", {}],
  ["permit:commit:after@gate", {}],
  ["permit:rollback@gate", { data: { defers: true } }],
  ["statement:defer", { data: { defers: true } }],
  ["onFailure:before", { data: { throws: true } }],
  ["onFailure:after@gate", { data: { throws: true } }],
  ["statement:fail_job_q:before", { data: { throws: true } }],
  ["statement:get_job:after", {}],
  ["statement:complete_job_q:before", {}],
  ["statement:/^with gone as \\(\\s*delete/:before", {}],
];

describe("killAt", { timeout: 60_000 }, () => {
  it.for(run)(
    "kills at %s: the job stays locked, and runs after its recovery",
    async ([point, options]) => {
      const withRows = point === "statement:get_job:after";
      const killed = await killAt(point, { module: url, enqueue, ...options, withRows });
      onTestFinished(() => killed.database.drop());
      expect(killed).toMatchObject({ reached: true, signal: "SIGKILL", code: null });
      expect(await finish(killed)).toEqual({ runs: ["1"], returned: 1 });
    },
  );

  it.for<FaultPoint>(["beforeEnqueue:before", "beforeEnqueue:after@gate", "insert:before"])(
    "kills at %s: nothing was added",
    async (point) => {
      const killed = await killAt(point, { module: url, enqueue });
      onTestFinished(() => killed.database.drop());
      expect(killed.enqueued).toEqual([]);
      expect(await finish(killed)).toEqual({ runs: [], returned: 0 });
    },
  );

  it("kills after the insert: the job is there, its producer does not know", async () => {
    const killed = await kill("insert:after");
    expect(killed.enqueued).toEqual([]);
    expect((await finish(killed)).runs).toEqual(["1"]);
  });

  it.for<FaultPoint>([
    "statement:complete_job_q:after",
    "statement:fail_job_q:after",
    "statement:defer:after",
  ])("kills at %s: the write stands", async (point) => {
    const data = { defers: point.includes("defer"), throws: point.includes("fail") };
    const killed = await killAt(point, { module: url, enqueue, data });
    onTestFinished(() => killed.database.drop());
    const { runs, returned } = await finish(killed);
    expect(returned).toBe(0);
    expect(runs).toEqual(point.includes("complete") ? [] : ["1"]);
  });

  it("goes through a worker's statements one by one until there are no more", async () => {
    const first = await kill("statement:1", { enqueue: [] });
    expect(first.passed).toHaveLength(1);
    const last = await kill("statement:100000", { mustReach: false, enqueue: [] });
    expect(last).toMatchObject({ reached: false, code: 0, signal: null });
    expect(last.passed.length).toBeGreaterThan(5);
  });

  it("kills at the how manieth time it is told", async () => {
    const jobs = [1, 2, 3].map((n) => ({ task: "work", payload: { n } }));
    const killed = await kill("run:before", { enqueue: jobs, occurrence: 3 });
    expect(killed.events.filter(({ name }) => name === "job:started")).toHaveLength(3);
  });

  it.for([0.5, 3_600])(
    "returns once no statement of the dead process runs any more (one of %d s)",
    async (sleepSeconds) => {
      const killed = await kill("run:after", { data: { sleepSeconds } });
      const { rows } = await killed.database
        .pool()
        .query("select from pg_stat_activity where query = 'select pg_sleep($1)'");
      expect(rows).toEqual([]);
    },
  );

  it("says which points were passed when the point is never reached", async () => {
    await expect(killAt("onFailure:before", { module: url, enqueue })).rejects.toThrow(
      /^the child never came to "onFailure:before": it had nothing left to do\n {2}it passed: beforeEnqueue:before, beforeEnqueue:before@gate, .*run:before, run:after.*\n {2}its events: job:started 1, job:succeeded 1/,
    );
  });

  it("says what is wrong with a module", async () => {
    const wrong = new URL("./fixtures/no-config.ts", import.meta.url);
    await expect(killAt("run:before", { module: wrong })).rejects.toThrow(
      /the child failed: TypeError: .*no-config\.ts exports nothing; a worker module exports a function `config`/,
    );
  });

  it("uses a database that it is given", async ({ onTestFinished }) => {
    const database = await testDatabase({ test: { onTestFinished } });
    const killed = await killAt("run:before", { module: url, enqueue, database });
    expect(killed.database).toBe(database);
  });
});
