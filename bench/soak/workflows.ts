import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createWorker } from "@oppulence/worker-core";
import { defineWorkflow, saga } from "@oppulence/worker-saga";
import { checkInvariants, startPostgres, type TestDatabase } from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
import { killRuns } from "../../packages/worker-saga/test/kill-runs.ts";
import { RUN_PROOF } from "../../packages/worker-saga/test/run-proof.ts";
import type { Soak, SoakResult } from "./main.ts";

const SIZES = {
  quick: { shapes: 12, runs: 60, kills: 6, processes: 3, livesMs: 400, items: 2_000 },
  full: { shapes: 100, runs: 1_200, kills: 150, processes: 3, livesMs: 1_500, items: 10_000 },
};
const WIDTH = 50;
/** What a fan-out ten times as large may take more of the heap. */
const HEAP_MB = 32;
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Random graphs in processes that are killed again and again; then one large fan-out. SQL proves what came of them. */
export const workflows: Soak = {
  about:
    "saga: 1,200 runs of random graphs, failing steps and compensations, 150 kills of 3 processes; a fan-out of 10,000",
  async run(isQuick, progress): Promise<SoakResult> {
    const size = isQuick ? SIZES.quick : SIZES.full;
    const seed = Math.floor(Math.random() * 1_000_000);
    const postgres = await startPostgres();
    try {
      const database = await postgres.createDatabase();
      const { states, violations, ...counts } = await killRuns(
        database,
        { ...size, seed },
        progress,
      );
      const fan = await fanOut(await postgres.createDatabase(), size.items);
      progress("the fan-out is done");
      const query = async (text: string, values?: readonly unknown[]) =>
        (await database.pool().query(text, values as unknown[])).rows;
      const left = await checkInvariants(query as never);
      return {
        figures: { seed, "runs started": size.runs, ...states, ...counts, ...fan.figures },
        violations: [
          ...violations,
          ...left.map(({ name, rows }) => `${name}: ${JSON.stringify(rows)}`),
          ...fan.violations,
        ],
      };
    } finally {
      await postgres.stop();
    }
  },
};

/** A fan-out of a tenth, then one of so many: what the second takes more. */
async function fanOut(database: TestDatabase, items: number): Promise<SoakResult> {
  const seen = { heap: 0, queued: 0, joins: 0, sum: 0 };
  const fan = defineWorkflow({
    name: "fan",
    steps: (flow) =>
      flow
        .each({
          id: "each",
          width: WIDTH,
          items: ({ input }) => Array.from({ length: Number(input) }, (_, n) => n),
          async execute({ item, query }) {
            if (item % 200 === 0) {
              collectGarbage();
              seen.heap = Math.max(seen.heap, process.memoryUsage().heapUsed);
              const rows = await query("select from graphile_worker.jobs");
              seen.queued = Math.max(seen.queued, rows.length);
            }
            return { item, text: "x".repeat(200) };
          },
        })
        .step({
          id: "join",
          async execute({ results }) {
            seen.joins += 1;
            let sum = 0;
            for await (const { item } of results.each) sum += item;
            return sum;
          },
        }),
  });
  const worker = createWorker({
    connectionString: database.url,
    config: false,
    handleSignals: false,
    logger: new Logger(() => () => {}),
    plugins: [saga({ workflows: [fan], sampleInterval: false })],
    worker: { concurrentJobs: 24, maxPoolSize: 12, localQueue: { size: 500 } },
  });
  await worker.start();
  const run = async (count: number) => {
    Object.assign(seen, { heap: 0, queued: 0, joins: 0 });
    const began = performance.now();
    const { id } = await worker.plugins.saga.start(fan, count);
    const { join } = await worker.plugins.saga.result(id, { timeout: "15m", workflow: fan });
    return { ...seen, sum: join, seconds: (performance.now() - began) / 1_000 };
  };
  const small = await run(Math.ceil(items / 10));
  const large = await run(items);
  const moreMb = Math.round((large.heap - small.heap) / 1_048_576);
  const violations: string[] = [];
  if (large.joins !== 1) violations.push(`the join ran ${large.joins} times`);
  if (large.sum !== (items * (items - 1)) / 2) violations.push(`the items add up to ${large.sum}`);
  if (large.queued > WIDTH) violations.push(`${large.queued} jobs of the fan-out were queued`);
  if (moreMb > HEAP_MB) violations.push(`${items} items took ${moreMb} MB more than a tenth`);
  for (const [what, text] of Object.entries(RUN_PROOF)) {
    const rows = await worker.query(`${text} limit 5`);
    if (rows.length > 0) violations.push(`${what}: ${JSON.stringify(rows)}`);
  }
  await worker.stop();
  return {
    figures: {
      "items of the fan-out": items,
      "items a second": Math.round(items / large.seconds),
      "most jobs of it in the queue": large.queued,
      "heap beyond that of a tenth, MB": moreMb,
      "joins that ran": large.joins,
    },
    violations,
  };
}
