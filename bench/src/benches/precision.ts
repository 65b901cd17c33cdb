import { createWorker, defer, definePlugin, defineTask } from "@oppulence/worker-core";
import type { Bench, CaseInput, Measurement } from "../bench.ts";
import { median, quantile } from "../statistics.ts";
import { openPool } from "../systems/graphile.ts";
import { silentLogger } from "../systems/silent-logger.ts";

const DEFER_MS = 200;
const WITHIN = { what: "median", atMost: 50 } as const;

export const precision: Bench = {
  name: "precision",
  about:
    "how long after it is due a job starts that a plugin deferred by 200 ms, on an idle worker",
  unit: "ms",
  base: undefined,
  rounds: 3,
  size: { jobs: 100 },
  quick: { jobs: 10 },
  asked: { deferred: WITHIN, p95: WITHIN, max: WITHIN },
  cases: { deferred: measurePrecision },
};

/** One job at a time; due is the `run_at` in the database, whose clock is this machine's. */
async function measurePrecision(input: CaseInput): Promise<Measurement> {
  const pool = openPool(input.databaseUrl);
  let onStart = (_at: number): void => {};
  const task = defineTask({
    identifier: "deferred_once",
    run: () => onStart(performance.timeOrigin + performance.now()),
  });
  const seen = new Set<string>();
  const once = definePlugin({
    name: "once",
    producers: "enforced-at-run",
    setup: () => ({
      beforeRun: {
        phase: "gate",
        onError: "open",
        run({ job }) {
          if (seen.has(job.id)) return undefined;
          seen.add(job.id);
          return defer({ after: DEFER_MS }, { code: "LATER", message: "not before it is due" });
        },
      },
    }),
  });
  const worker = createWorker({
    pool,
    tasks: [task],
    plugins: [once],
    config: false,
    handleSignals: false,
    logger: silentLogger,
  });
  await worker.start();
  let dueAt = 0;
  worker.events.on("job:deferred", ({ until }) => {
    dueAt = until.getTime();
  });
  const lateness = async (): Promise<number> => {
    const started = new Promise<number>((resolve) => {
      onStart = resolve;
    });
    await worker.addJob(task, {});
    return (await started) - dueAt;
  };
  await lateness();
  const late = await input.measured(async () => {
    const all: number[] = [];
    for (let index = 0; index < (input.size.jobs ?? 0); index++) all.push(await lateness());
    return all;
  });
  await worker.stop();
  await pool.end();
  return { rows: { deferred: median(late), p95: quantile(late, 0.95), max: quantile(late, 1) } };
}
