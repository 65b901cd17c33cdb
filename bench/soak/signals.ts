import { createWorker, defineTask, type Query } from "@oppulence/worker-core";
import { defineWorkflow, saga } from "@oppulence/worker-saga";
import { startPostgres, type TestDatabase } from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
import { RUN_PROOF } from "../../packages/worker-saga/test/run-proof.ts";
import { median } from "../src/statistics.ts";
import type { Soak, SoakResult } from "./main.ts";

const SIZES = {
  quick: { waiting: 2_000, jobs: 4_000, rounds: 3, signals: 60, dueInMs: 1_500 },
  full: { waiting: 100_000, jobs: 20_000, rounds: 7, signals: 400, dueInMs: 5_000 },
};
const STARTED_AT_ONCE = 5_000;
const WAIT_WITHIN_MS = 20 * 60_000;
/** What is asked: the rate of other jobs, and from `signal()` to the next step's first line. */
const RATE = 0.95;
const LATENCY_MS = 20;

type Size = (typeof SIZES)["full"];

/** Runs that wait for a signal: what they cost other jobs, and how soon a signal has the next step run. */
export const signals: Soak = {
  about:
    "saga: 100,000 runs that wait for a signal; the rate of other jobs beside them, signal to next step",
  async run(isQuick, progress): Promise<SoakResult> {
    const size = isQuick ? SIZES.quick : SIZES.full;
    const postgres = await startPostgres();
    const sides: Side[] = [];
    try {
      for (let n = 0; n < 2; n++) sides.push(await startSide(await postgres.createDatabase()));
      const [empty, crowded] = sides as [Side, Side];
      const seconds = await crowd(crowded, size, progress);
      const rates = await compare(empty, crowded, size);
      progress(`other jobs: ${JSON.stringify(rates)}`);
      await vacuum(crowded.worker.query);
      const latencies = await signalAll(crowded, size);
      const ratio = median(rates.map(({ ratio: one }) => one));
      const [mid, late] = [at(latencies, 0.5), at(latencies, 0.95)];
      return {
        figures: {
          "runs that wait": size.waiting,
          "until all wait, s": seconds,
          "other jobs a second, nobody waits": Math.round(median(rates.map((one) => one.empty))),
          "other jobs a second, all wait": Math.round(median(rates.map((one) => one.crowded))),
          "the one over the other": Number(ratio.toFixed(3)),
          "signal to next step, median ms": mid,
          "signal to next step, p95 ms": late,
        },
        violations: [
          // A small number of jobs is over before their rate can be told.
          ...(isQuick || ratio >= RATE ? [] : [`other jobs ran at ${ratio} of their rate`]),
          ...(mid <= LATENCY_MS ? [] : [`a signal took ${mid} ms to have the next step run`]),
          ...(await prove(crowded.database, size)),
        ],
      };
    } finally {
      for (const side of sides) await side.worker.stop();
      await postgres.stop();
    }
  },
};

type Side = Awaited<ReturnType<typeof startSide>>;

/** A worker with the workflow and a task of other jobs, on a database of its own. */
async function startSide(database: TestDatabase) {
  const ran = new Map<string, number>();
  const waits = defineWorkflow({
    name: "waits",
    steps: (flow) =>
      flow.waitForSignal({ id: "go" }).step({
        id: "after",
        execute: ({ run }) => void ran.set(run.id, performance.now()),
      }),
  });
  const jobs = { done: 0, first: 0 };
  const other = defineTask({
    identifier: "other",
    run() {
      if (jobs.done === 0) jobs.first = performance.now();
      jobs.done += 1;
    },
  });
  const worker = createWorker({
    connectionString: database.url,
    config: false,
    handleSignals: false,
    logger: new Logger(() => () => {}),
    tasks: [other],
    plugins: [saga({ workflows: [waits], sampleInterval: false })],
    worker: { concurrentJobs: 24, maxPoolSize: 12, localQueue: { size: 500 } },
  });
  await worker.start();
  return { database, worker, api: worker.plugins.saga, waits, other, jobs, ran };
}

/** Starts the runs, and resolves once all of them wait. */
async function crowd(
  { api, waits, worker }: Side,
  { waiting }: Size,
  progress: (text: string) => void,
): Promise<number> {
  const began = performance.now();
  for (let from = 0; from < waiting; from += STARTED_AT_ONCE) {
    const count = Math.min(STARTED_AT_ONCE, waiting - from);
    const ids = Array.from({ length: count }, (_, n) => `w${from + n}`);
    await Promise.all(ids.map((id) => api.start(waits, null, { id })));
  }
  progress(`started ${waiting} runs`);
  for (;;) {
    const [row] = await worker.query<{ count: number }>(
      "select count(*)::int as count from oppulence_worker.saga_steps where state = 'waiting'",
    );
    if (row?.count === waiting) break;
    if (performance.now() - began > WAIT_WITHIN_MS)
      throw new Error(`${row?.count} of ${waiting} runs wait after ${WAIT_WITHIN_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  await vacuum(worker.query);
  return Math.round((performance.now() - began) / 1_000);
}

/** Does at once what autovacuum does within the minute: jobs that are over leave rows that a fetch would step over. */
async function vacuum(query: Query): Promise<void> {
  await query("vacuum (analyze)");
}

/** Runs other jobs on both sides in turn, every second round the other way about. */
async function compare(empty: Side, crowded: Side, { jobs, rounds, dueInMs }: Size) {
  const rates: { empty: number; crowded: number; ratio: number }[] = [];
  await Promise.all([rateOf(empty, jobs, dueInMs), rateOf(crowded, jobs, dueInMs)]);
  for (let round = 0; round < rounds; round++) {
    const isFirst = round % 2 === 0;
    const one = await rateOf(isFirst ? empty : crowded, jobs, dueInMs);
    const two = await rateOf(isFirst ? crowded : empty, jobs, dueInMs);
    const [bare, among] = isFirst ? [one, two] : [two, one];
    rates.push({ empty: bare, crowded: among, ratio: among / bare });
  }
  return rates;
}

/**
 * All jobs are there, and come due at one moment; the clock runs from the first one's start.
 *
 * @param dueInMs - long enough to add them all
 */
async function rateOf(
  { worker, other, jobs }: Side,
  count: number,
  dueInMs: number,
): Promise<number> {
  jobs.done = 0;
  const runAt = new Date(Date.now() + dueInMs);
  const all = Array.from({ length: count }, (_, n) => ({ task: other, payload: { n }, runAt }));
  await worker.addJobs(all);
  if (jobs.done > 0) throw new Error(`to add ${count} jobs took longer than ${dueInMs} ms`);
  while (jobs.done < count) await new Promise((resolve) => setTimeout(resolve, 2));
  return count / ((performance.now() - jobs.first) / 1_000);
}

/** Sends signals one after another, to runs from all over. */
async function signalAll({ api, ran }: Side, { waiting, signals: count }: Size) {
  const latencies: number[] = [];
  for (let n = 0; n < count; n++) {
    const id = `w${Math.floor((n * waiting) / count)}`;
    const sent = performance.now();
    await api.signal(id, "go", n, { key: "once" });
    while (!ran.has(id)) await new Promise((resolve) => setImmediate(resolve));
    latencies.push((ran.get(id) as number) - sent);
    // Whoever is not sure sends it again.
    await api.signal(id, "go", n, { key: "once" }).catch(() => {});
  }
  return latencies.sort((a, b) => a - b);
}

function at(sorted: readonly number[], share: number): number {
  return Number((sorted[Math.floor(share * sorted.length)] ?? Number.NaN).toFixed(1));
}

async function prove(database: TestDatabase, { signals: count }: Size): Promise<string[]> {
  const pool = database.pool();
  const violations: string[] = [];
  for (const [what, statement] of Object.entries(RUN_PROOF)) {
    const { rows } = await pool.query(`${statement} limit 20`);
    if (rows.length > 0) violations.push(`${what}: ${JSON.stringify(rows)}`);
  }
  const { rows } = await pool.query(
    "select count(*)::int as signals, count(taken_by)::int as taken from oppulence_worker.saga_signals",
  );
  if (rows[0]?.signals !== count || rows[0]?.taken !== count)
    violations.push(`of ${count} signals there are ${JSON.stringify(rows[0])}`);
  return violations;
}
