import { createClient, declareTask } from "@oppulence/worker-core";
import {
  type SpawnedWorker,
  spawnWorker,
  startPostgres,
  type TestDatabase,
} from "@oppulence/worker-testing";
import { Logger } from "graphile-worker";
import { finishAndProve } from "./finish.ts";
import type { Soak, SoakResult } from "./main.ts";
import { KINDS, TABLES } from "./soak-worker.ts";

const MODULE = new URL("./soak-worker.ts", import.meta.url);
const SIZES = {
  quick: { jobs: 2_000, processes: 2, seconds: 6 },
  full: { jobs: 50_000, processes: 4, seconds: 60 },
};
const ENGINE = { concurrentJobs: 8, localQueue: { size: 50 } };

/** Processes are killed with -9 every second and replaced, while PostgreSQL's connections are cut now and then. */
export const crashes: Soak = {
  about:
    "several workers, one killed with -9 every second, connections cut; SQL proves that no job was lost",
  async run(isQuick, progress): Promise<SoakResult> {
    const size = isQuick ? SIZES.quick : SIZES.full;
    const postgres = await startPostgres();
    try {
      const database = await postgres.createDatabase();
      const jobs = await addJobs(database, size.jobs);
      progress(`added ${jobs.size} jobs`);
      const { pools, killed } = await killEverySecond(database, size, progress);
      const violations = await finishAndProve(database, pools, jobs, killed);
      return {
        figures: {
          jobs: jobs.size,
          processes: size.processes,
          killed,
          ...(await runFigures(database)),
        },
        violations,
      };
    } finally {
      await postgres.stop();
    }
  },
};

async function addJobs(database: TestDatabase, count: number): Promise<Map<string, string>> {
  const task = declareTask({ identifier: "soak" });
  const client = createClient({
    connectionString: database.url,
    config: false,
    tasks: [task],
    logger: new Logger(() => () => {}),
  });
  try {
    await client.start();
    await client.query(TABLES);
    const jobs = new Map<string, string>();
    for (let from = 0; from < count; from += 1_000) {
      const kinds = Array.from(
        { length: Math.min(1_000, count - from) },
        (_, n) => KINDS[n % KINDS.length] as string,
      );
      const results = await client.addJobs(
        kinds.map((kind) => ({ task, payload: { kind }, maxAttempts: 3 })),
      );
      for (const [index, result] of results.entries()) {
        if (result.status === "added") jobs.set(result.id, kinds[index] as string);
      }
    }
    return jobs;
  } finally {
    await client.stop();
  }
}

async function killEverySecond(
  database: TestDatabase,
  { processes, seconds }: { processes: number; seconds: number },
  progress: (text: string) => void,
): Promise<{ pools: string[]; killed: number }> {
  const start = () => spawnWorker(MODULE, { database, data: ENGINE });
  const alive: SpawnedWorker[] = Array.from({ length: processes }, start);
  const pools: string[] = [];
  await Promise.all(alive.map(({ ready }) => ready));
  const pool = database.pool();
  for (let second = 1; second <= seconds; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const victim = alive.shift() as SpawnedWorker;
    await victim.kill("SIGKILL");
    pools.push(...victim.pools);
    const next = start();
    await next.ready;
    alive.push(next);
    if (second % 5 === 0) {
      await pool.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      );
      progress(`${second} killed`);
    }
  }
  for (const worker of alive) {
    await worker.kill("SIGTERM");
    pools.push(...worker.pools);
  }
  return { pools, killed: seconds };
}

async function runFigures(database: TestDatabase): Promise<Record<string, number>> {
  const { rows } = await database.pool().query<Record<string, number>>(
    `select count(*)::int as runs, count(*) filter (where runs > 1 and kind not in ('retry', 'fail'))::int as "jobs run again"
from (select job_id, kind, count(*) as runs from soak_runs group by 1, 2) as per_job`,
  );
  return rows[0] ?? {};
}
